/*
 * Which installed distribution a file belongs to, without asking Python: the folder below
 * site-packages (or another one that pip installed into) that holds it, and the *.dist-info (or
 * *.egg-info) beside that folder. Where the
 * names differ (grpc is of grpcio), the RECORD files are searched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_COMMON_PACKAGE_H
#define FP_COMMON_PACKAGE_H

#include <stdbool.h>

enum { FP_PACKAGE_SIZE = 128 };

struct fp_package {
    char name[FP_PACKAGE_SIZE]; /* as the distribution spells it */
    char version[FP_PACKAGE_SIZE];
};

/* `path` is absolute and resolved. False, and both strings empty, for what is not in a package. */
bool fp_package_find(const char *path, struct fp_package *package);

/* Whether a Python file is the script in a bin folder by which an installed package's command is
   started: installers write a few lines that end in sys.exit(main()). */
bool fp_package_starts(const char *path);

#endif
