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

/* Points into itself and into what it was judged by. */
struct fp_finding {
    struct fp_hang hang; /* fp_hang.opinion.grade may be NONE */
    struct fp_site fork_site;
    char lines[4][300];        /* of the wait's site */
    char fork_lines[4][300];   /* of the fork's */
    struct fp_package package; /* of the code that waits */
};

/* `parent` and what was seen of it are NULL where it is gone. */
void fp_judge_process(struct fp_finding *finding, const struct fp_view *view,
                      const struct fp_stacks *stacks, const struct fp_seen *seen,
                      const struct fp_view *parent, const struct fp_seen *seen_in_parent);

#endif
