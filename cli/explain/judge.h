/*
 * Whether a process hangs for what it lost when it was forked: the facts that the kernel shows ->
 * the opinion of policy/hang.h, the same as the shim's in the child.
 *
 * What is not seen from outside is taken for the weaker case: a handler of the program's for any
 * signal but SIGINT (which is taken for Python's own), and a Python wait without Python stacks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_JUDGE_H
#define FP_CLI_JUDGE_H

#include "cli/explain/runtimes.h"

struct fp_finding {
    struct fp_hang hang; /* fp_hang.opinion.grade may be NONE */
    struct fp_lost lost[FP_RUNTIMES_MAX];
    size_t lost_count;
    struct fp_site fork_site, wait_site;
    char lines[3][300]; /* of the sites */
    char names[160];
    struct fp_package package; /* of the code that waits */
};

/* Which runtimes were lost: those of the parent that the child is without. */
void fp_finding_lost(struct fp_finding *finding, const struct fp_stack *stack,
                     const struct fp_seen *seen, const struct fp_seen *in_parent);

/* The one of them that this thread waits for, and how that is known. */
void fp_finding_blame(struct fp_finding *finding, const struct fp_stack *stack);

/* `parent` and what was seen of it are NULL where it is gone. */
void fp_judge_process(struct fp_finding *finding, const struct fp_view *view,
                      const struct fp_stacks *stacks, const struct fp_seen *seen,
                      const struct fp_view *parent, const struct fp_seen *seen_in_parent);

#endif
