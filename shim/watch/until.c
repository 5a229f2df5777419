/* See until.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/until.h"

#include "shim/base/condition.h"
#include "shim/hang/wait_record.h"
#include "shim/watch/watched.h"

#include <dlfcn.h>
#include <stdint.h>

/* Not in every libc under which this library is loaded; the watch is on under glibc alone. */
extern __typeof(pthread_timedjoin_np) pthread_timedjoin_np __attribute__((weak));

static int (*clock_join)(pthread_t, void **, clockid_t, const struct timespec *);

void fp_until_init(void)
{
    *(void **)&clock_join = dlsym(RTLD_DEFAULT, "pthread_clockjoin_np");
}

enum { SECOND = 1000000000 /* nanoseconds */ };

static struct timespec on_wall_clock(const struct timespec *deadline)
{
    struct timespec now, wall;
    clock_gettime(CLOCK_MONOTONIC, &now);
    clock_gettime(CLOCK_REALTIME, &wall);
    int64_t left =
        (deadline->tv_sec - now.tv_sec) * (int64_t)SECOND + deadline->tv_nsec - now.tv_nsec;
    int64_t nanoseconds = wall.tv_nsec + (left > 0 ? left : 0);
    struct timespec until = {.tv_sec = wall.tv_sec + nanoseconds / SECOND,
                             .tv_nsec = nanoseconds % SECOND};
    fp_wait_record_limit(&until);
    return until;
}

int fp_until_semaphore(sem_t *semaphore, const struct timespec *deadline)
{
    if (REAL(sem_clockwait))
        return REAL(sem_clockwait)(semaphore, CLOCK_MONOTONIC, deadline);
    struct timespec wall = on_wall_clock(deadline);
    return REAL(sem_timedwait)(semaphore, &wall);
}

#define UNTIL(name, type, by_clock, timed)                            \
    int name(type *object, const struct timespec *deadline)           \
    {                                                                 \
        if (REAL(by_clock))                                           \
            return REAL(by_clock)(object, CLOCK_MONOTONIC, deadline); \
        struct timespec wall = on_wall_clock(deadline);               \
        return REAL(timed)(object, &wall);                            \
    }

UNTIL(fp_until_mutex, pthread_mutex_t, pthread_mutex_clocklock, pthread_mutex_timedlock)
UNTIL(fp_until_read_lock, pthread_rwlock_t, pthread_rwlock_clockrdlock, pthread_rwlock_timedrdlock)
UNTIL(fp_until_write_lock, pthread_rwlock_t, pthread_rwlock_clockwrlock, pthread_rwlock_timedwrlock)

/* A condition has its own clock there. */
int fp_until_condition(pthread_cond_t *condition, pthread_mutex_t *mutex,
                       const struct timespec *deadline)
{
    if (REAL(pthread_cond_clockwait))
        return REAL(pthread_cond_clockwait)(condition, mutex, CLOCK_MONOTONIC, deadline);
    struct timespec until = fp_condition_is_monotonic(condition) ? *deadline : on_wall_clock(deadline);
    return REAL(pthread_cond_timedwait)(condition, mutex, &until);
}

int fp_until_join(pthread_t thread, void **returned, const struct timespec *deadline)
{
    if (clock_join)
        return clock_join(thread, returned, CLOCK_MONOTONIC, deadline);
    struct timespec wall = on_wall_clock(deadline);
    return pthread_timedjoin_np(thread, returned, &wall);
}
