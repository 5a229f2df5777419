/*
 * What the records of a job tell of hangs and crashes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_TOLD_H
#define FP_CLI_TOLD_H

#include "cli/record/log.h"
#include "cli/report/set.h"

#include <sys/types.h>

/* Zero it before the first record. */
struct fp_told {
    /* The worst hang; pid 0: none. */
    pid_t hung;
    unsigned long line;
    bool is_proven, goes_on;
    long at;             /* milliseconds of fp_idleness_now */
    unsigned long acted; /* the line of the first hang that was ended, fork refused, or crash */
    unsigned long
        unheard; /* of the first hang that was ended, and the job not told why, or crash */
    struct fp_set hanging; /* the pids of all */
};

void fp_told_note(struct fp_told *told, const struct fp_log_record *record);

#endif
