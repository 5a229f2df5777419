/*
 * A wait without end that was left, by cancellation or by a jump out of a handler, and then one
 * with a time limit for the same object. The main thread waits for the thread that does so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore, started;
static sigjmp_buf out;

static void wait_for_condition_for_a_time(void *unused)
{
    struct timespec end = milliseconds_from_now(CLOCK_REALTIME, 1000);
    while (pthread_cond_timedwait(&condition, &mutex, &end) == 0)
        ;
    pthread_mutex_unlock(&mutex);
    (void)unused;
}

static void wait_for_semaphore_for_a_time(void *unused)
{
    struct timespec end = milliseconds_from_now(CLOCK_REALTIME, 1000);
    while (sem_timedwait(&semaphore, &end) < 0 && errno == EINTR)
        ;
    (void)unused;
}

static void *wait_for_condition_until_cancelled(void *unused)
{
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(wait_for_condition_for_a_time, NULL);
    sem_post(&started);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(1);
    return unused;
}

static void *wait_for_semaphore_until_cancelled(void *unused)
{
    pthread_cleanup_push(wait_for_semaphore_for_a_time, NULL);
    sem_post(&started);
    for (;;)
        sem_wait(&semaphore);
    pthread_cleanup_pop(1);
    return unused;
}

static void *wait_for_thread_until_cancelled(void *thread)
{
    pthread_cleanup_push(wait_for_semaphore_for_a_time, NULL);
    sem_post(&started);
    pthread_join(*(pthread_t *)thread, NULL);
    pthread_cleanup_pop(1);
    return NULL;
}

static void *wait_for_ever(void *unused)
{
    for (;;)
        wait_for(&semaphore);
    return unused;
}

static void cancel(void *(*routine)(void *), void *argument)
{
    sem_init(&semaphore, 0, 0);
    sem_init(&started, 0, 0);
    pthread_t thread = start(routine, argument);
    wait_for(&started);
    rest(200);
    pthread_cancel(thread);
    must(pthread_join(thread, NULL) == 0, "pthread_join");
}

CHILD(condition_cancelled)
{
    cancel(wait_for_condition_until_cancelled, NULL);
}

CHILD(semaphore_cancelled)
{
    cancel(wait_for_semaphore_until_cancelled, NULL);
}

CHILD(join_cancelled)
{
    sem_init(&semaphore, 0, 0);
    pthread_t other = start(wait_for_ever, NULL);
    cancel(wait_for_thread_until_cancelled, &other);
}

static void jump(int number)
{
    (void)number;
    siglongjmp(out, 1);
}

/* Leaves a wait without end by SIGUSR1, then waits for the same object for a second. */
#define JUMPS(name, prepare, wait, wait_for_a_time)                                    \
    static void *name##_in_thread(void *unused)                                        \
    {                                                                                  \
        struct timespec end;                                                           \
        handle(SIGUSR1, jump, 0);                                                      \
        if (!sigsetjmp(out, 1)) {                                                      \
            prepare;                                                                   \
            sem_post(&started);                                                        \
            for (;;)                                                                   \
                wait;                                                                  \
        }                                                                              \
        handle(SIGUSR1, SIG_DFL, 0); /* or it might end the wait of the main thread */ \
        end = milliseconds_from_now(CLOCK_REALTIME, 1000);                             \
        while ((wait_for_a_time) == 0)                                                 \
            ;                                                                          \
        return unused;                                                                 \
    }                                                                                  \
    CHILD(name)                                                                        \
    {                                                                                  \
        sem_init(&semaphore, 0, 0);                                                    \
        sem_init(&started, 0, 0);                                                      \
        pthread_mutex_lock(&held);                                                     \
        pthread_rwlock_rdlock(&lock);                                                  \
        pthread_t thread = start(name##_in_thread, NULL);                              \
        wait_for(&started);                                                            \
        rest(200);                                                                     \
        pthread_kill(thread, SIGUSR1);                                                 \
        must(pthread_join(thread, NULL) == 0, "pthread_join");                         \
    }

JUMPS(semaphore_left_by_a_jump, , sem_wait(&semaphore), sem_timedwait(&semaphore, &end))
JUMPS(mutex_left_by_a_jump, , pthread_mutex_lock(&held), pthread_mutex_timedlock(&held, &end))
JUMPS(write_lock_left_by_a_jump, , pthread_rwlock_wrlock(&lock),
      pthread_rwlock_timedwrlock(&lock, &end))
JUMPS(condition_left_by_a_jump, pthread_mutex_lock(&mutex), pthread_cond_wait(&condition, &mutex),
      (pthread_mutex_trylock(&mutex), pthread_cond_timedwait(&condition, &mutex, &end)))

/* Another word of the same page, for a time: what is left behind is of the old one. */
static void *wait_elsewhere(void *unused)
{
    static int words[8];
    handle(SIGUSR1, jump, 0);
    if (!sigsetjmp(out, 1)) {
        sem_post(&started);
        for (;;)
            futex(&words[0], FUTEX_WAIT_PRIVATE, 0);
    }
    handle(SIGUSR1, SIG_DFL, 0);
    struct timespec second = {1, 0};
    syscall(SYS_futex, &words[4], FUTEX_WAIT_PRIVATE, 0, &second, NULL, 0);
    return unused;
}

CHILD(futex_left_by_a_jump)
{
    sem_init(&started, 0, 0);
    pthread_t thread = start(wait_elsewhere, NULL);
    wait_for(&started);
    rest(200);
    pthread_kill(thread, SIGUSR1);
    must(pthread_join(thread, NULL) == 0, "pthread_join");
}
