/*
 * A forked child that lost threads and then crashed, as it is told. That the loss is the cause is
 * nowhere said: it is what is known, and often is the cause. Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_CRASH_H
#define FP_POLICY_CRASH_H

#include "policy/hang_event.h"

enum { FP_CRASH_RUNTIMES = 4 };

struct fp_crash {
    const char *program;
    pid_t pid;
    int signal;
    struct fp_fork_origin fork;
    size_t count; /* of the runtimes that it lost, those that hang first */
    struct fp_runtime runtimes[FP_CRASH_RUNTIMES];
    struct fp_judgement judgements[FP_CRASH_RUNTIMES];
};

/* "SIGSEGV"; NULL where a process that ends by that signal has not crashed. */
const char *fp_crash_signal(int number);

/* The signal of a name, or 0. */
int fp_crash_parse(struct fp_slice name);

/* The nth advice, for the case that the loss is why; length 0 where there is none. */
struct fp_slice fp_crash_advice(const struct fp_crash *crash, size_t nth);

/* One line. */
void fp_message_crash(struct fp_text *text, const struct fp_crash *crash);

/* The part that all who tell it share: "the fork lost 11 of 12 threads, 7 of them of polars ...".
 */
void fp_add_crash_loss(struct fp_text *text, const struct fp_crash *crash);

/* "crash", written by the parent. */
void fp_event_crash(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_crash *crash);

#endif
