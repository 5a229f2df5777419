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
static int flags; /* of the handler */

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

/* `spread` microseconds from `first` on. */
static void jump_often(void (*wait)(void), int times, long first, long spread)
{
    sem_init(&semaphore, 0, 0);
    handle(SIGALRM, jump, flags);
    for (volatile int i = 0; i < times; i++) {
        if (!sigsetjmp(out, 1)) {
            armed = 1;
            alarm_in(first + i * 7 % spread);
            while (armed)
                wait();
        }
        check_state();
    }
}

/* The first slice lasts 10 ms. */
CHILD(semaphore_during_the_first_look)
{
    jump_often(wait_for_semaphore, 200, 9900, 900);
}

/* Not at a slice's end: libc's conditions do not bear being left in the midst of their own code. */
CHILD(condition_before_a_look)
{
    jump_often(wait_for_condition, 2000, 30, 400);
}

CHILD(semaphore_before_a_look)
{
    jump_often(wait_for_semaphore, 2000, 30, 400);
}

CHILD(semaphore_between_slices)
{
    jump_often(wait_for_semaphore, 60, 30, 41000);
}

static int open_files(void)
{
    int found = 0;
    for (int file = 0; file < 1024; file++)
        found += fcntl(file, F_GETFD) >= 0;
    return found;
}

/* The main thread looks at those without blocking signals, and may be left with files open. */
CHILD(beside_threads_that_are_awake)
{
    enum { AT_MOST = 8 };
    int before = open_files();
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL); /* in those */
    for (int i = 0; i < 10; i++)
        start_sleeper();
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    flags = SA_RESTART;
    jump_often(wait_for_semaphore, 300, 9900, 900);
    jump_often(wait_for_semaphore, 3, 40000, 1000); /* behind a look */
    must(open_files() <= before + AT_MOST, "files are not left open");
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
    jump_often(wait_for_semaphore, 200, 9900, 900);
    pthread_t thread = start(wait_until_cancelled, NULL);
    rest(50);
    pthread_cancel(thread);
    must(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED, "cancellation");
}
