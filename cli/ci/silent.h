/*
 * A hang that no record tells of, found from outside.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_SILENT_H
#define FP_CLI_SILENT_H

#include "cli/ci/tail.h"

struct fp_silent {
    pid_t pid;          /* 0: none */
    unsigned long line; /* of its record */
};

/* Which one of a process and its descendants hangs as seen from outside; then the log, which is
   read to its end, gets the record. */
struct fp_silent fp_silent_find(struct fp_tail *tail, pid_t pid);

#endif
