/*
 * The first and the last steps of a thread that the shim has seen starting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HOOKS_THREAD_START_H
#define FP_SHIM_HOOKS_THREAD_START_H

#include <stdbool.h>

/* False when thread ends cannot be seen, so that nothing can be counted. */
bool fp_threads_init(void);

/* Start routines for pthread_create and thrd_create; the argument is the thread's slot. */
void *fp_thread_run_posix(void *slot);
int fp_thread_run_c11(void *slot);

#endif
