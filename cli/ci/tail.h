/*
 * Follows a log while the job writes it: each look reads the lines that are complete by then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_TAIL_H
#define FP_CLI_TAIL_H

#include "cli/record/log.h"

#include <sys/types.h>

struct fp_tail {
    const char *path; /* borrowed */
    off_t at;         /* up to where it was read; what is there before the job is not the job's */
    unsigned long line;
    struct fp_log_count count;
};

/* Begins at the end of what is there. */
void fp_tail_begin(struct fp_tail *tail, const char *path);

void fp_tail_read(struct fp_tail *tail, fp_log_visit *visit, void *context);

#endif
