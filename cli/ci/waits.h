/*
 * What the processes of a job wait for that takes too long, fork or not: locks, children, pipes and
 * who has their other ends; and whether they wait for each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_WAITS_H
#define FP_CLI_WAITS_H

#include "cli/base/process_tree.h"
#include "policy/text.h"

enum { FP_WAITS_LINES = 8 };

struct fp_waits {
    char what[120];                  /* "pid 7 and pid 8 wait for each other" */
    char lines[FP_WAITS_LINES][480]; /* without prefix */
    size_t count, omitted;           /* lines; those there was no room for */
    const char *fix;                 /* NULL: none is known */
};

/* Looks at each process of the tree; stops their threads for a moment. */
void fp_waits_read(struct fp_waits *waits, const struct fp_tree *tree);

#endif
