/*
 * Lines of Python code, told apart by their file alone: the standard library, an installed
 * package, or the user's own. The first line of the user's code is the one to name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_SITE_H
#define FP_POLICY_SITE_H

enum fp_code { FP_CODE_STANDARD, FP_CODE_PACKAGE, FP_CODE_USER };

/* The path below the last site-packages or dist-packages folder; NULL where there is none. */
const char *fp_path_in_packages(const char *path);

enum fp_code fp_code_of(const char *file);

#endif
