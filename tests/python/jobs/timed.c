/*
 * A library with a thread that a forked child does not have. The child asks it, and looks for the
 * answer ten times a second, without end. SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PAUSE = 100000000 }; /* nanoseconds */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t answered = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t runs, never;
static int word;

static void *idle(void *unused)
{
    pthread_mutex_lock(&held);
    pthread_rwlock_wrlock(&rwlock);
    sem_post(&runs);
    for (;;)
        pause();
    return unused;
}

int timed_start(void)
{
    pthread_t thread;
    sem_init(&runs, 0, 0);
    sem_init(&never, 0, 0);
    int error = pthread_create(&thread, 0, idle, 0);
    if (!error)
        sem_wait(&runs);
    return error;
}

static struct timespec soon(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += PAUSE;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

void timed_futex(void)
{
    struct timespec time = {0, PAUSE};
    for (;;)
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &time, 0, 0);
}

void timed_semaphore(void)
{
    for (;;) {
        struct timespec until = soon(CLOCK_REALTIME);
        sem_timedwait(&never, &until);
    }
}

void timed_condition(void)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        struct timespec until = soon(CLOCK_REALTIME);
        pthread_cond_timedwait(&answered, &lock, &until);
    }
}

void timed_condition_clock(void)
{
    pthread_mutex_lock(&lock);
    for (;;) {
        struct timespec until = soon(CLOCK_MONOTONIC);
        pthread_cond_clockwait(&answered, &lock, CLOCK_MONOTONIC, &until);
    }
}

/* Each asks for a lock that the lost thread has. */
#define ASKS(name, clock, ask)                   \
    void timed_##name(void)                      \
    {                                            \
        for (;;) {                               \
            struct timespec until = soon(clock); \
            ask;                                 \
        }                                        \
    }

ASKS(mutex, CLOCK_REALTIME, pthread_mutex_timedlock(&held, &until))
ASKS(mutex_clock, CLOCK_MONOTONIC, pthread_mutex_clocklock(&held, CLOCK_MONOTONIC, &until))
ASKS(read_lock, CLOCK_REALTIME, pthread_rwlock_timedrdlock(&rwlock, &until))
ASKS(read_lock_clock, CLOCK_MONOTONIC, pthread_rwlock_clockrdlock(&rwlock, CLOCK_MONOTONIC, &until))
ASKS(write_lock, CLOCK_REALTIME, pthread_rwlock_timedwrlock(&rwlock, &until))
ASKS(write_lock_clock, CLOCK_MONOTONIC,
     pthread_rwlock_clockwrlock(&rwlock, CLOCK_MONOTONIC, &until))

static void *work(void *unused)
{
    timed_condition();
    return unused;
}

/* The child starts the thread anew, which rests; nobody asks it. */
void timed_worker(void)
{
    pthread_t thread;
    pthread_create(&thread, 0, work, 0);
    for (;;)
        pause();
}

/* Called with Python's lock, it keeps it. */
void timed_keep(void)
{
    sleep(2);
}

static void *call(void *back)
{
    void (*function)(void);
    *(void **)&function = back;
    function();
    return 0;
}

/* From a thread that is not Python's, and a moment later from this one. */
void timed_call(void *first, void *second)
{
    pthread_t thread;
    pthread_create(&thread, 0, call, first);
    usleep(PAUSE / 1000);
    call(second);
}
