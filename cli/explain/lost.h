/*
 * What a forked child lost, by what its parent has and it has not, and which of it a thread waits
 * for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_LOST_H
#define FP_CLI_LOST_H

#include "cli/explain/runtimes.h"
#include "policy/blame.h"

/* The parent's runtimes that the child is without, in the parent's order. */
struct fp_missing {
    const struct fp_runtime *runtimes[FP_RUNTIMES_MAX];
    struct fp_judgement judgements[FP_RUNTIMES_MAX];
    size_t count;
};

/* As a thread's stack shows it. */
struct fp_blamed {
    const struct fp_runtime *runtime; /* the parent's; NULL = it is not known which */
    struct fp_judgement judgement;    /* of that */
    enum fp_cause cause;
    unsigned threads; /* of all that was lost, as the shim counts them */
};

/* `in_parent` is NULL where the parent is gone: then nothing is known to be missing. */
void fp_missing_read(struct fp_missing *missing, const struct fp_seen *seen,
                     const struct fp_seen *in_parent);

struct fp_blamed fp_missing_blame(const struct fp_missing *missing, const struct fp_stack *stack);

#endif
