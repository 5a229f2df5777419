/*
 * The story of a fork, see fork.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_FORK_H
#define FP_SHIM_FORK_FORK_H

#include <stdbool.h>
#include <sys/types.h>

/* Makes the fork, and returns as fork does. */
typedef pid_t fp_real_fork(void *context);

struct fp_fork_call {
    const char *name;
    const void *caller; /* an address in the code that asks for the fork */
    fp_real_fork *real;
    void *context;
    bool is_whole; /* fork and forkpty: libc does all that it does at a fork, and handlers of
                      registered runtimes run; not so _Fork and clone */
};

/* Takes one fork from the host's call to its return. */
pid_t fp_fork_story(const struct fp_fork_call *call);

/* A fork that no hook saw is about to happen (daemon and the like): it can be told, not refused. */
void fp_fork_unseen(const void *caller);

/* For the audit hook: whether the fork that Python code asks for is refused. Then ForkPolicyError
   is set. `caller` is an address in Python. */
bool fp_fork_refused_in_python(const char *call, const void *caller);

#endif
