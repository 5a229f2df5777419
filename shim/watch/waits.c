/*
 * libc's own waits in a watched child. Each is tried first; what has to wait goes on in slices.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/hang/made_here.h"
#include "shim/hang/signal_handlers.h"
#include "shim/watch/c11.h"
#include "shim/watch/got.h"
#include "shim/watch/until.h"
#include "shim/watch/wait_loop.h"
#include "shim/watch/watched.h"

#include <errno.h>
#include <stdint.h>

/* Not in every libc under which this library is loaded; the watch is on under glibc alone. */
extern __typeof(pthread_tryjoin_np) pthread_tryjoin_np __attribute__((weak));

int fp_watched_sem_init(sem_t *semaphore, int shared, unsigned value)
{
    fp_made_here_note(semaphore);
    return REAL(sem_init)(semaphore, shared, value);
}

static bool semaphore_is_over(struct fp_waiting *waiting)
{
    return sem_trywait((sem_t *)(uintptr_t)waiting->object) == 0;
}

/* A wait with a time limit never goes on by itself behind a signal handler (Linux, futex_wait);
   one without does, if the handler asks for it. */
static int semaphore_slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    bool restarts = fp_handlers_restart();
    if (fp_until_semaphore((sem_t *)(uintptr_t)waiting->object, deadline) == 0)
        return 0;
    int error = errno;
    if (error == EINTR && semaphore_is_over(waiting))
        return 0; /* the handler posted it */
    return error == EINTR && restarts ? ETIMEDOUT : error;
}

int fp_watched_sem_wait(sem_t *semaphore)
{
    static FP_THREAD struct fp_repeated repeated; /* by Python's locks */
    int saved = errno;
    pthread_testcancel(); /* as libc does, also where the semaphore is free */
    if (sem_trywait(semaphore) == 0)
        return 0;
    errno = saved;
    if (fp_self.inside)
        return REAL(sem_wait)(semaphore);
    struct fp_waiting waiting = {.wait = FP_WAIT_SEMAPHORE,
                                 .object = semaphore,
                                 .caller = CALLER,
                                 .is_over = semaphore_is_over,
                                 .repeated = &repeated};
    int error = fp_waiting_endure(&waiting, semaphore_slice);
    errno = error == ETIMEDOUT ? EINTR : error ? error : saved;
    return error ? -1 : 0;
}

static pthread_mutex_t *mutex_of(const struct fp_waiting *waiting)
{
    return (pthread_mutex_t *)(uintptr_t)waiting->object;
}

static bool mutex_is_over(struct fp_waiting *waiting)
{
    return pthread_mutex_trylock(mutex_of(waiting)) == 0;
}

/* glibc keeps the owner's tid in every mutex whose kind watch_mutex lets pass. */
static pid_t mutex_owner(const struct fp_waiting *waiting)
{
    return __atomic_load_n(&mutex_of(waiting)->__data.__owner, __ATOMIC_RELAXED);
}

static int mutex_slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    return fp_until_mutex(mutex_of(waiting), deadline);
}

__attribute__((noinline)) static int watch_mutex(pthread_mutex_t *mutex, const void *caller)
{
    /* Robust, priority-inheriting and error-checking ones have answers of their own; the bits are
       glibc's (PTHREAD_MUTEX_KIND_MASK_NP and above), elision (256, 512) makes no difference. */
    enum { PLAIN_KINDS = 0x3 | 0x100 | 0x200 };
    int kind = mutex->__data.__kind;
    if (fp_self.inside || (kind & ~PLAIN_KINDS) || (kind & 3) == PTHREAD_MUTEX_ERRORCHECK)
        return REAL(pthread_mutex_lock)(mutex);
    struct fp_waiting waiting = {.wait = FP_WAIT_MUTEX,
                                 .object = mutex,
                                 .caller = caller,
                                 .is_over = mutex_is_over,
                                 .owner = mutex_owner};
    int saved = errno;
    int error = fp_waiting_endure(&waiting, mutex_slice);
    errno = saved;
    return error;
}

int fp_watched_mutex_lock(pthread_mutex_t *mutex)
{
    int error = pthread_mutex_trylock(mutex);
    return error == EBUSY ? watch_mutex(mutex, CALLER) : error;
}

static pthread_rwlock_t *rwlock_of(const struct fp_waiting *waiting)
{
    return (pthread_rwlock_t *)(uintptr_t)waiting->object;
}

static bool read_is_over(struct fp_waiting *waiting)
{
    return pthread_rwlock_tryrdlock(rwlock_of(waiting)) == 0;
}

static bool write_is_over(struct fp_waiting *waiting)
{
    return pthread_rwlock_trywrlock(rwlock_of(waiting)) == 0;
}

static int read_slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    return fp_until_read_lock(rwlock_of(waiting), deadline);
}

static int write_slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    return fp_until_write_lock(rwlock_of(waiting), deadline);
}

__attribute__((noinline)) static int watch_rwlock(pthread_rwlock_t *lock, enum fp_wait wait,
                                                  const void *caller)
{
    bool writes = wait == FP_WAIT_WRITE_LOCK;
    struct fp_waiting waiting = {.wait = wait,
                                 .object = lock,
                                 .caller = caller,
                                 .is_over = writes ? write_is_over : read_is_over};
    int saved = errno;
    int error = fp_waiting_endure(&waiting, writes ? write_slice : read_slice);
    errno = saved;
    return error;
}

/* EDEADLK (the writer asks again) is libc's to find: trywrlock says EBUSY there. */
int fp_watched_rdlock(pthread_rwlock_t *lock)
{
    int error = pthread_rwlock_tryrdlock(lock);
    if (error != EBUSY)
        return error;
    if (fp_self.inside)
        return REAL(pthread_rwlock_rdlock)(lock);
    return watch_rwlock(lock, FP_WAIT_READ_LOCK, CALLER);
}

int fp_watched_wrlock(pthread_rwlock_t *lock)
{
    int error = pthread_rwlock_trywrlock(lock);
    if (error != EBUSY)
        return error;
    if (fp_self.inside)
        return REAL(pthread_rwlock_wrlock)(lock);
    return watch_rwlock(lock, FP_WAIT_WRITE_LOCK, CALLER);
}

static bool join_is_over(struct fp_waiting *waiting)
{
    return pthread_tryjoin_np((pthread_t)waiting->argument, waiting->returned) == 0;
}

static int join_slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    return fp_until_join((pthread_t)waiting->argument, waiting->returned, deadline);
}

static int watch_join(pthread_t thread, void **returned, const void *caller)
{
    if (fp_self.inside)
        return REAL(pthread_join)(thread, returned);
    struct fp_waiting waiting = {.wait = FP_WAIT_JOIN,
                                 .object = (const void *)thread,
                                 .caller = caller,
                                 .is_over = join_is_over,
                                 .argument = (long)thread,
                                 .returned = returned};
    int saved = errno;
    int error = fp_waiting_endure(&waiting, join_slice);
    errno = saved;
    return error;
}

int fp_watched_join(pthread_t thread, void **returned)
{
    return watch_join(thread, returned, CALLER);
}

static int condition_slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    pthread_mutex_t *mutex = (pthread_mutex_t *)waiting->argument;
    return fp_until_condition((pthread_cond_t *)(uintptr_t)waiting->object, mutex, deadline);
}

/* It comes back without a signal, as POSIX lets it, where its condition may have changed. */
static int watch_condition(pthread_cond_t *condition, pthread_mutex_t *mutex, const void *caller)
{
    static FP_THREAD struct fp_repeated repeated;
    if (fp_self.inside)
        return REAL(pthread_cond_wait)(condition, mutex);
    struct fp_waiting waiting = {.wait = FP_WAIT_CONDITION,
                                 .object = condition,
                                 .argument = (long)mutex,
                                 .caller = caller,
                                 .repeated = &repeated};
    int saved = errno;
    int error = fp_waiting_endure(&waiting, condition_slice);
    errno = saved;
    return error == ETIMEDOUT ? 0 : error;
}

int fp_watched_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    return watch_condition(condition, mutex, CALLER);
}

int fp_watched_mtx_lock(pthread_mutex_t *mutex)
{
    int error = pthread_mutex_trylock(mutex);
    return fp_c11_answer(error == EBUSY ? watch_mutex(mutex, CALLER) : error);
}

int fp_watched_cnd_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    return fp_c11_answer(watch_condition(condition, mutex, CALLER));
}

int fp_watched_thrd_join(pthread_t thread, int *result)
{
    void *returned;
    int error = watch_join(thread, &returned, CALLER);
    if (!error && result)
        *result = (int)(intptr_t)returned;
    return fp_c11_answer(error);
}
