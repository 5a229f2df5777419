/*
 * The child room: what runs in a forked child before its code goes on. Async-signal-safe and
 * without locks, because the threads that held them are gone; `make check-child` compares what
 * child.c and table.c call with a list.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_CHILD_H
#define FP_SHIM_FORK_CHILD_H

#include <stdbool.h>
#include <stdint.h>

/* May run twice for one fork (as an atfork handler and behind the hook). Keeps errno: its only
   system call, gettid, cannot fail. */
void fp_child_enter(void);

/* Behind a hook: the same, and the threads that are carried start. What is done by our atfork
   handler is done again, since not every fork runs handlers. */
void fp_child_go_on(void);

/* Whether a runtime works in the child of the fork that is under way: it begins anew when it is
   next used, or its threads come along. */
bool fp_child_keeps(uint32_t runtime);

#endif
