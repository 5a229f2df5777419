/*
 * Connections that a child inherits when Python code forks and goes on, whatever threads there are:
 * two processes on one connection read each other's answers (the option sever).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_INHERIT_H
#define FP_SHIM_FORK_INHERIT_H

#include <stdbool.h>

/* In the parent, around the fork. `caller` is an address in the code that forks. */
void fp_inherit_begin(const void *caller);
void fp_inherit_end(void);

/* Child room: whether this child is to look at what it inherits; once. */
bool fp_inherit_child(void);

#endif
