/*
 * Where a report goes: stdout, or a file that is there as a whole or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_OUTPUT_H
#define FP_CLI_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

struct fp_output {
    FILE *stream;
    char *path;      /* NULL: stdout, or what is written to as it is (a pipe, /dev/null) */
    char *temporary; /* beside it */
};

/* NULL or "-": stdout. False, and said, where it cannot be written. */
bool fp_output_open(struct fp_output *output, const char *path);

/* `good`: whether all was written. False, and said, where it was not. */
bool fp_output_close(struct fp_output *output, bool good);

#endif
