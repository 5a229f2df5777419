/*
 * What a project says in the table [tool.forkpolicy] of its pyproject.toml: that of the working
 * directory, or of the nearest folder above it that has one with such a table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_LAUNCH_PROJECT_H
#define FP_CLI_LAUNCH_PROJECT_H

#include <stdbool.h>

/* NULL: the key is not there. Paths are absolute; a flag that is false is not there. */
struct fp_project {
    const char *file; /* NULL: there is no such table */
#define FP_PROJECT_KEY(field, key, kind, option, help) const char *field;
#include "cli/launch/project.def"
#undef FP_PROJECT_KEY
};

/* False, and said in one line with the place, where something is wrong. Once in a process. */
bool fp_project_read(struct fp_project *project);

#endif
