/*
 * One table of a TOML file. Of the rest only so much is read as it takes to step over it: strings,
 * brackets and comments. What the table has is taken strictly: strings in one line, arrays of them,
 * whole numbers, true and false; everything else is an error with its line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_LAUNCH_TOML_H
#define FP_CLI_LAUNCH_TOML_H

#include "policy/problem.h"

enum fp_toml_kind { FP_TOML_STRING, FP_TOML_ARRAY, FP_TOML_NUMBER, FP_TOML_FLAG };

/* `value`: the bytes of a string, those of an array's with commas between, or the word as it
 * stands. */
typedef void fp_toml_visit(struct fp_slice key, enum fp_toml_kind kind, struct fp_slice value,
                           unsigned line, unsigned column, void *context);

/*
 * Visits the keys of the table [tool.NAME]; false where there is no such table, or `problem` counts
 * something that is wrong.
 */
bool fp_toml_read(struct fp_slice text, const char *name, fp_toml_visit *visit, void *context,
                  struct fp_problem *problem);

#endif
