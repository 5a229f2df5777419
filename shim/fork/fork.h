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

/*
 * Takes one fork from the host's call to its return; `caller` is an address in the code that asked
 * for it. _Fork and clone run no handlers of registered runtimes.
 */
pid_t fp_fork_story(const char *call, const void *caller, fp_real_fork *real, void *context);

/* The same for fork and forkpty, which run them. */
pid_t fp_fork_handled(const char *call, const void *caller, fp_real_fork *real, void *context);

/* A fork that no hook saw is about to happen (daemon and the like): it can be told, not refused. */
void fp_fork_unseen(const void *caller);

/* For the audit hook: whether the fork that Python code asks for is refused. Then ForkPolicyError
   is set. `caller` is an address in Python. */
bool fp_fork_refused_in_python(const char *call, const void *caller);

#endif
