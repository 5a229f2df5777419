/*
 * The story of a fork, see fork.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_H
#define FP_SHIM_FORK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Takes one fork from the host's call to its return. `real` does it and returns as fork does;
 * `caller` is an address in the code that asked for it.
 */
pid_t fp_fork_story(const char *call, const void *caller, pid_t (*real)(void *context),
                    void *context);

/* A fork that no hook saw is about to happen (daemon and the like): it can be told, not refused. */
void fp_fork_unseen(void);

/* For the audit hook: whether the fork that Python code asks for is refused. Then ForkPolicyError
   is set. `caller` is an address in Python. */
bool fp_fork_refused_in_python(const char *call, const void *caller);

#endif
