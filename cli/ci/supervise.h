/*
 * `forkpolicy run --ci`: stays beside the job, as its parent, and ends it when it hangs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_SUPERVISE_H
#define FP_CLI_SUPERVISE_H

#include <stdbool.h>

struct fp_supervision {
    const char *log;            /* that the shim writes; absolute */
    const char *report;         /* the file that gets the stacks, where there is something to say */
    long timeout_milliseconds;  /* 0: none */
    bool keeps_status;          /* 0 is the job's status, also where children of it hung */
    bool has_said;              /* of the job's end */
    unsigned hang_milliseconds; /* when a wait that is not proven counts as a hang */
};

enum { FP_EXIT_HUNG = 70 };

/* Runs the program; the job's status, 128 + N where a signal ended it, FP_EXIT_HUNG where it was
   ended for a hang or for its time, or has children that hung and returns 0. */
int fp_supervise(struct fp_supervision *supervision, const char *program, char **arguments);

#endif
