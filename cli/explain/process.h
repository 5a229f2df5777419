/*
 * A process and those that descend from it, explained: which of them hang for what they lost in a
 * fork, or wait for each other, and what each of their threads waits for, parent and child side by side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_PROCESS_H
#define FP_CLI_PROCESS_H

#include "policy/hang.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct fp_explain_options {
    bool json;   /* a `hang` or `handler` record for each that hangs, instead of words */
    bool stacks; /* of every thread, not only of those that hang */
    bool brief;  /* no report: it is told elsewhere */
};

/* The worst that was found. */
struct fp_explanation {
    enum fp_grade grade; /* STRONG where a handler holds up a fork, NONE where a worker is parked */
    pid_t pid;
    bool is_deadlock; /* nothing of that, but processes that wait for each other or themselves */
};

/* False, and said, where the process cannot be looked at. */
bool fp_explain_process(FILE *stream, pid_t pid, const struct fp_explain_options *options,
                        struct fp_explanation *worst);

#endif
