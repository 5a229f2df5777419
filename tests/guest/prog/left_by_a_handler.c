/*
 * A time limit as programs have had it for ever: alarm, and a handler that leaves the wait, by a
 * jump or by the end of the process. In company: beside a thread that sleeps for ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore, never;
static int word;
static pthread_t sleeper;
static sigjmp_buf out;

static void *wait_for_ever(void *unused)
{
    wait_for(&never);
    return unused;
}

/* The sleeper is not to take the alarm. */
static void start_one_that(void *(*waits)(void *))
{
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sem_init(&never, 0, 0);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    sleeper = start(waits, NULL);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
}

static void wait_for_mutex(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
}

static void *hold_for_writing(void *unused)
{
    pthread_rwlock_wrlock(&lock);
    return wait_for_ever(unused);
}

static void wait_to_read(void)
{
    start_one_that(hold_for_writing);
    rest(50);
    pthread_rwlock_rdlock(&lock);
}

static void wait_to_write(void)
{
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_wrlock(&lock);
}

static void wait_at_barrier(void)
{
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_barrier_wait(&barrier);
}

static void wait_for_thread(void)
{
    if (!sleeper)
        start_one_that(wait_for_ever);
    pthread_join(sleeper, NULL);
}

static void wait_for_semaphore(void)
{
    sem_init(&semaphore, 0, 0);
    sem_wait(&semaphore);
}

static void wait_for_condition(void)
{
    pthread_mutex_lock(&mutex);
    for (;;)
        pthread_cond_wait(&condition, &mutex);
}

static void wait_for_word(void)
{
    for (;;)
        futex(&word, FUTEX_WAIT_PRIVATE, 0);
}

static void jump(int number)
{
    (void)number;
    siglongjmp(out, 1);
}

static void leave(int number)
{
    (void)number;
    _exit(0);
}

static void run_with_limit(void (*wait)(void), void (*handler)(int))
{
    handle(SIGALRM, handler, 0);
    if (sigsetjmp(out, 1))
        return;
    alarm_in(LOOKS * 1000);
    wait();
    must(0, "the wait came back");
}

#define LEAVES(name, wait, handler)    \
    CHILD(name)                        \
    {                                  \
        run_with_limit(wait, handler); \
    }
#define LEAVES_IN_COMPANY(name, wait, handler) \
    CHILD(name)                                \
    {                                          \
        start_one_that(wait_for_ever);         \
        run_with_limit(wait, handler);         \
    }

LEAVES(mutex_by_a_jump, wait_for_mutex, jump)
LEAVES(mutex_by_exit, wait_for_mutex, leave)
LEAVES_IN_COMPANY(mutex_in_company, wait_for_mutex, jump)
LEAVES(read_lock_by_a_jump, wait_to_read, jump)
LEAVES(read_lock_by_exit, wait_to_read, leave)
LEAVES(write_lock_by_a_jump, wait_to_write, jump)
LEAVES(write_lock_by_exit, wait_to_write, leave)
LEAVES_IN_COMPANY(write_lock_in_company, wait_to_write, jump)
LEAVES(barrier_by_a_jump, wait_at_barrier, jump)
LEAVES(barrier_by_exit, wait_at_barrier, leave)
LEAVES_IN_COMPANY(barrier_in_company, wait_at_barrier, jump)
LEAVES(join_by_a_jump, wait_for_thread, jump)
LEAVES(join_by_exit, wait_for_thread, leave)
LEAVES(semaphore_by_a_jump, wait_for_semaphore, jump)
LEAVES(semaphore_by_exit, wait_for_semaphore, leave)
LEAVES_IN_COMPANY(semaphore_in_company, wait_for_semaphore, jump)
LEAVES(condition_by_a_jump, wait_for_condition, jump)
LEAVES_IN_COMPANY(condition_in_company, wait_for_condition, jump)
LEAVES(futex_by_a_jump, wait_for_word, jump)
LEAVES_IN_COMPANY(futex_in_company, wait_for_word, jump)
