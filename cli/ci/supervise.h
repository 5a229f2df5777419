/*
 * `forkpolicy run --ci`: stays beside the job, as its parent, and ends it when it hangs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_SUPERVISE_H
#define FP_CLI_SUPERVISE_H

struct fp_supervision {
    const char *log;            /* that the shim writes; absolute */
    unsigned hang_milliseconds; /* when a wait that is not proven counts as a hang */
};

enum { FP_EXIT_HUNG = 70 };

/* Runs the program; the job's status, 128 + N where a signal ended it, FP_EXIT_HUNG where it was
   ended for a hang. */
int fp_supervise(const struct fp_supervision *supervision, const char *program, char **arguments);

#endif
