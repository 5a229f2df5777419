/*
 * What the libraries of a watched child call instead of libc's functions (watched.def) and of
 * libgomp's (regions.def). Each behaves as the one it stands for, and returns what that returns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_WATCHED_H
#define FP_SHIM_WATCH_WATCHED_H

#include "shim/watch/got.h"

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/types.h>
#include <time.h>

/* In a function that stands for libc's: the code that called, and libc's own function. */
#define CALLER __builtin_return_address(0)
#define REAL(name) ((__typeof(&(name)))fp_got_real(FP_WATCHED_##name))

/* waits.c */
int fp_watched_sem_init(sem_t *semaphore, int shared, unsigned value);
int fp_watched_sem_wait(sem_t *semaphore);
int fp_watched_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int fp_watched_mutex_lock(pthread_mutex_t *mutex);
int fp_watched_rdlock(pthread_rwlock_t *lock);
int fp_watched_wrlock(pthread_rwlock_t *lock);
int fp_watched_join(pthread_t thread, void **returned);
int fp_watched_mtx_lock(pthread_mutex_t *mutex);
int fp_watched_cnd_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int fp_watched_thrd_join(pthread_t thread, int *result);
int fp_watched_barrier_wait(pthread_barrier_t *barrier);

/* condition_calls.c */
int fp_watched_cond_signal(pthread_cond_t *condition);
int fp_watched_cnd_signal(pthread_cond_t *condition);
int fp_watched_cnd_broadcast(pthread_cond_t *condition);
int fp_watched_cond_broadcast(pthread_cond_t *condition);
int fp_watched_cond_destroy(pthread_cond_t *condition);

/* timed.c */
int fp_watched_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until);
int fp_watched_sem_timedwait(sem_t *semaphore, const struct timespec *until);
int fp_watched_mtx_timedlock(pthread_mutex_t *mutex, const struct timespec *until);
int fp_watched_cnd_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                             const struct timespec *until);
int fp_watched_epoll_wait(int poll, struct epoll_event *events, int most, int milliseconds);
#define FP_TIMED(name, wait, parameters, arguments) int fp_watched_##name parameters;
#include "shim/watch/timed_waits.def"
#undef FP_TIMED

/* futex.c; libc's own is variadic, and takes what registers and stack hold */
long fp_watched_syscall(long number, long a, long b, long c, long d, long e, long f);

/* woken.c */
int fp_watched_sem_post(sem_t *semaphore);

/* used_calls.c */
long fp_used_syscall(long number, long a, long b, long c, long d, long e, long f);
ssize_t fp_used_write(int file, const void *bytes, size_t count);
int fp_used_cond_signal(pthread_cond_t *condition);
int fp_used_cond_broadcast(pthread_cond_t *condition);
int fp_used_sem_post(sem_t *semaphore);

/* sandbox.c */
int fp_watched_prctl(int option, unsigned long a, unsigned long b, unsigned long c,
                     unsigned long d);
/* signal_calls.c */
int fp_watched_sigaction(int number, const struct sigaction *action, struct sigaction *before);
sighandler_t fp_watched_signal(int number, sighandler_t handler);
sighandler_t fp_watched_sysv_signal(int number, sighandler_t handler);
int fp_watched_siginterrupt(int number, int interrupts);

/* patch.c */
void *fp_watched_dlopen(const char *path, int mode);

/* gil_calls.c */
#define FP_GIL_CALL(type, name, parameters) type fp_watched_##name parameters;
#include "shim/watch/gil_calls.def"
#undef FP_GIL_CALL

/* regions.c */
typedef void region(void *data);
#define FP_REGION(name, parameters, arguments, most) void fp_watched_##name parameters;
#include "shim/watch/omp_regions.def"
#undef FP_REGION

#endif
