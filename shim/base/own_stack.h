/*
 * Stacks of the shim's own, for what needs more than a kilobyte or two: the host may fork on a
 * thread's stack of 16 KiB, or in a signal handler on 8 KiB. Python and the host's own code are
 * never called here: they may look where their stack ends. Signals are blocked meanwhile
 * (block_signals.h), since a handler may look, too (garbage collectors do).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_OWN_STACK_H
#define FP_SHIM_BASE_OWN_STACK_H

#include <stdbool.h>

enum { FP_STACK_SIZE = 32 * 1024 };

/* Calls work(argument) there; on the caller's stack where there is no memory. */
typedef void fp_stack_work(void *argument);
void fp_on_own_stack(fp_stack_work *work, void *argument);

/* The memory of one, for what has to live through a fork; NULL: there is none. Parent and child both
   give it back. */
void *fp_stack_memory_take(void);
void fp_stack_memory_give(void *stack);
void fp_stacks_forget(void);

#endif
