/*
 * Handlers that jump out of waits, at moments spread over the time that a watch needs to look: what
 * the thread had before, it has after.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static sigjmp_buf out;
static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile sig_atomic_t armed;

static void jump(int number)
{
    (void)number;
    if (armed) {
        armed = 0;
        siglongjmp(out, 1);
    }
}

static void wait_for_semaphore(void)
{
    sem_wait(&semaphore);
}

static void wait_for_condition(void)
{
    pthread_mutex_trylock(&mutex);
    pthread_cond_wait(&condition, &mutex);
}

static void check_state(void)
{
    int state;
    sigset_t blocked;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    must(state == PTHREAD_CANCEL_ENABLE, "cancellation is enabled");
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    must(!sigismember(&blocked, SIGPIPE) && !sigismember(&blocked, SIGXFSZ), "the signal mask");
}

static void jump_often(void (*wait)(void), int times, long spread)
{
    sem_init(&semaphore, 0, 0);
    handle(SIGALRM, jump, 0);
    for (volatile int i = 0; i < times; i++) {
        if (!sigsetjmp(out, 1)) {
            armed = 1;
            alarm_in(30 + i * 7 % spread);
            while (armed)
                wait();
        }
        check_state();
    }
}

CHILD(semaphore_during_the_first_look)
{
    jump_often(wait_for_semaphore, 2000, 400);
}

CHILD(condition_during_the_first_look)
{
    jump_often(wait_for_condition, 2000, 400);
}

CHILD(semaphore_between_slices)
{
    jump_often(wait_for_semaphore, 60, 41000);
}

/* Afterwards a thread of the child can be watched as before, and be cancelled. */
static void *wait_until_cancelled(void *unused)
{
    for (;;)
        sem_wait(&semaphore);
    return unused;
}

CHILD(cancelled_afterwards)
{
    void *result;
    jump_often(wait_for_semaphore, 1000, 400);
    pthread_t thread = start(wait_until_cancelled, NULL);
    rest(50);
    pthread_cancel(thread);
    must(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED, "cancellation");
}
