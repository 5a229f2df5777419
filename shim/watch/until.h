/*
 * Waits of libc until a moment of CLOCK_MONOTONIC. glibc has them since 2.30; before, they wait
 * until the same moment of CLOCK_REALTIME: a clock that is set meanwhile makes that wait longer or
 * shorter, and so the next look later or sooner.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_UNTIL_H
#define FP_SHIM_WATCH_UNTIL_H

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

/* Finds out what this libc has. After fp_got_init. */
void fp_until_init(void);

/* Each returns what libc's function does: -1 and errno for the semaphore, an error number else. */
int fp_until_semaphore(sem_t *semaphore, const struct timespec *deadline);
int fp_until_mutex(pthread_mutex_t *mutex, const struct timespec *deadline);
int fp_until_read_lock(pthread_rwlock_t *lock, const struct timespec *deadline);
int fp_until_write_lock(pthread_rwlock_t *lock, const struct timespec *deadline);
int fp_until_condition(pthread_cond_t *condition, pthread_mutex_t *mutex,
                       const struct timespec *deadline);
int fp_until_join(pthread_t thread, void **returned, const struct timespec *deadline);

#endif
