/* What of a condition's functions may wait for ever. SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_SHIM_WATCH_CONDITION_CALLS_H
#define FP_SHIM_WATCH_CONDITION_CALLS_H

#include <pthread.h>

void fp_condition_calls_init(void);

/* Behave as libc's, which they call; `caller` is an address in the code that signals. */
int fp_condition_signal(pthread_cond_t *condition, const void *caller);
int fp_condition_broadcast(pthread_cond_t *condition, const void *caller);

#endif
