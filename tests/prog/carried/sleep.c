/* What the pool's threads sleep in. SPDX-License-Identifier: Apache-2.0 */
#include "carried.h"

#include <linux/futex.h>

#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 30)
#define pthread_cond_clockwait(condition, lock, clock, until) ENOSYS
#define sem_clockwait(semaphore, clock, until) -1
#endif

bool sleeps_in(const char *what)
{
    return strncmp(kind, what, strlen(what)) == 0;
}

static bool is_kind(const char *what)
{
    return strcmp(kind, what) == 0;
}

static struct timespec far_away(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_sec += 1000;
    return time;
}

static void sleep_in_condition(void)
{
    struct timespec until = far_away(is_kind("cond_clock") ? CLOCK_MONOTONIC : CLOCK_REALTIME);
    if (is_kind("cond_until"))
        pthread_cond_timedwait(&wanted, &lock, &until);
    else if (is_kind("cond_clock"))
        pthread_cond_clockwait(&wanted, &lock, CLOCK_MONOTONIC, &until);
    else
        pthread_cond_wait(&wanted, &lock);
}

static int sleep_in_semaphore(void)
{
    struct timespec until = far_away(is_kind("sem_clock") ? CLOCK_MONOTONIC : CLOCK_REALTIME);
    return is_kind("sem_until")   ? sem_timedwait(&posted, &until)
           : is_kind("sem_clock") ? sem_clockwait(&posted, CLOCK_MONOTONIC, &until)
                                  : sem_wait(&posted);
}

static void sleep_in_futex(unsigned seen)
{
    struct timespec until = far_away(CLOCK_MONOTONIC), long_time = {1000, 0};
    int private = is("shared") ? 0 : FUTEX_PRIVATE_FLAG;
    if (is_kind("futex_until"))
        syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | private, seen, &until, NULL,
                FUTEX_BITSET_MATCH_ANY);
    else
        syscall(SYS_futex, &word, FUTEX_WAIT | private, seen,
                is_kind("futex_while") ? &long_time : NULL);
}

/* Where the pool is idle; with the lock, and without work. */
void sleep_here(void)
{
    if (sleeps_in("cond")) {
        sleep_in_condition();
        return;
    }
    unsigned seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&lock);
    if (sleeps_in("sem"))
        while (sleep_in_semaphore() != 0) {
        }
    else
        sleep_in_futex(seen);
    pthread_mutex_lock(&lock);
}

void wake(int how_many)
{
    if (sleeps_in("cond"))
        pthread_cond_broadcast(&wanted);
    else if (sleeps_in("sem"))
        for (int i = 0; i < how_many; i++)
            sem_post(&posted);
    __atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &word, is("shared") ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE, MOST, NULL);
}
