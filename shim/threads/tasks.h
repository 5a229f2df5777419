/*
 * The threads of this process, as the kernel lists them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_TASKS_H
#define FP_SHIM_THREADS_TASKS_H

#include <stdbool.h>

/* How many there are, from one stat; 0 where /proc does not tell. */
unsigned fp_tasks_count(void);

/*
 * Visits each thread by its tid, until `visit` says no. False where the list may lack a living one:
 * the kernel's stops at a thread that ends while it is made (proc_task_readdir of Linux 6.18), or
 * /proc does not tell.
 */
bool fp_tasks_each(bool (*visit)(int tid, void *context), void *context);

/* The same; the list is opened with flags of the caller's. */
bool fp_tasks_each_with(bool (*visit)(int tid, void *context), void *context, int flags);

#endif
