/*
 * What the parent does when it comes back from a fork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_PARENT_H
#define FP_SHIM_FORK_PARENT_H

#include <sys/types.h>

/* Of a fork that a hook has seen; -1: it failed. Keeps errno. */
void fp_parent_go_on(pid_t child);

#endif
