/*
 * The options string: comma-separated KEY=VALUE; the keys are in options.def.
 *
 * The last entry of a key counts. A bad entry is left out and reported; the others hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_OPTIONS_H
#define FP_POLICY_OPTIONS_H

#include "policy/problem.h"

/* What ends a wait that is proven to never end; in the order of options.def. */
enum fp_on_proven {
    FP_ON_PROVEN_RAISE,
    FP_ON_PROVEN_EXIT,
    FP_ON_PROVEN_ABORT,
    FP_ON_PROVEN_REPORT,
};

struct fp_options {
    enum fp_on_proven on_proven;
    unsigned hang_milliseconds;
    unsigned grace_milliseconds;
    unsigned quiesce_milliseconds;
    bool sever;
    bool quiet;
    bool replace_fork;
    bool inline_futex;
};

void fp_options_default(struct fp_options *options);

/* Sets what the entries of `text` name, and nothing else. */
void fp_options_parse(struct fp_options *options, struct fp_slice text, struct fp_problem *problem);

#endif
