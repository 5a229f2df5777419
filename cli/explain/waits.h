/*
 * What the processes of a job wait for, fork or not: locks, children, pipes and who has their other
 * ends; and whether they wait for each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_WAITS_H
#define FP_CLI_EXPLAIN_WAITS_H

#include "cli/explain/needs.h"
#include "policy/text.h"

enum { FP_WAITS_LINES = 8 };

struct fp_waits {
    bool is_deadlock;                /* else they may go on */
    pid_t pid;                       /* of a deadlock: the first process of it */
    char what[120];                  /* "pid 7 and pid 8 wait for each other" */
    char lines[FP_WAITS_LINES][480]; /* without prefix */
    size_t count, omitted;           /* lines; those there was no room for */
    const char *fix;                 /* NULL: none is known */
};

/* A process whose stacks have been read, which has stopped its threads for a moment. */
struct fp_looked_at {
    pid_t pid;
    const struct fp_stacks *stacks;
};

/* Without an end of their time (`is_over`) the lines are those of a deadlock alone. */
void fp_waits_find(struct fp_waits *waits, const struct fp_looked_at *processes, size_t count,
                   bool is_over);

/* Of each process of a tree whose time is over. */
void fp_waits_read(struct fp_waits *waits, const struct fp_tree *tree);

#endif
