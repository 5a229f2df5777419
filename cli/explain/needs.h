/*
 * What the threads of a job's processes wait for, and which processes could give it: their own
 * threads, children, who has the other end of a pipe.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_NEEDS_H
#define FP_CLI_EXPLAIN_NEEDS_H

#include "cli/explain/pipes.h"
#include "cli/explain/stacks.h"

enum { FP_NEEDS_MAX = 32 };

enum fp_need {
    FP_NEED_NOTHING, /* it runs */
    FP_NEED_LOCK,    /* of its own process */
    FP_NEED_SHARED,  /* a lock in memory that other processes have, too */
    FP_NEED_CHILD,   /* the end of one */
    FP_NEED_READ,    /* a pipe to be filled */
    FP_NEED_WRITE,   /* a pipe to be emptied */
    FP_NEED_OTHER,
};

/* Of one thread. */
struct fp_needs {
    enum fp_need need;
    pid_t from[FP_NEEDS_MAX]; /* other processes */
    size_t count;
    bool from_itself; /* its own process has the other end of the pipe */
    bool from_more;   /* than there was room for */
};

/* One process. */
struct fp_waiter {
    struct fp_view view;
    const struct fp_stacks *stacks; /* of an earlier look, perhaps */
    bool is_stuck;                  /* deadlock.h */
};

/* Those of a job that could be looked at, and what they share with everybody. */
struct fp_scene {
    struct fp_waiter *waiters;
    size_t count;
    struct fp_tree everybody; /* on this machine */
    struct fp_pipes pipes;
    bool is_over; /* the job's time: who may rest is taken for stuck */
};

/* Looks at everybody, once the waiters' views are read. */
void fp_scene_complete(struct fp_scene *scene);

/* All but the stacks. */
void fp_scene_free(struct fp_scene *scene);

struct fp_needs fp_needs_of(const struct fp_scene *scene, const struct fp_waiter *waiter,
                            const struct fp_task *task);

bool fp_needs_process(const struct fp_needs *needs, pid_t pid);

#endif
