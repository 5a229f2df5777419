/*
 * The story of a thread: whose is it, note it, let it start. Hooks pthread_create, thrd_create and
 * std::thread's starter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_H
#define FP_SHIM_THREADS_H

#include <stdbool.h>

/* False when thread ends cannot be seen, so that nothing can be counted. */
bool fp_threads_init(void);

#endif
