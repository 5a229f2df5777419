/*
 * Code of the program itself, which lost a thread of its own, sleeps by waits with a limit, again
 * and again, until a signal, its time or another process has come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

enum { WHILE = 1500 /* milliseconds; longer than the test's grace_seconds */, TURN = 50 };

static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static volatile sig_atomic_t is_over;

static void end(int number)
{
    (void)number;
    is_over = 1;
}

static void end_in_a_while(void)
{
    handle(SIGALRM, end, SA_RESTART);
    alarm_in(WHILE * 1000L);
}

static void wait_by_semaphore(void)
{
    struct timespec until = milliseconds_from_now(CLOCK_REALTIME, TURN);
    must(sem_timedwait(&semaphore, &until) < 0, "nobody posts");
}

CHILD(until_a_signal_by_semaphores)
{
    sem_init(&semaphore, 0, 0);
    end_in_a_while();
    while (!is_over)
        wait_by_semaphore();
}

CHILD(until_a_signal_by_conditions)
{
    pthread_mutex_lock(&mutex);
    end_in_a_while();
    while (!is_over) {
        struct timespec until = milliseconds_from_now(CLOCK_REALTIME, TURN);
        pthread_cond_timedwait(&condition, &mutex, &until);
    }
}

CHILD(until_another_process_says_so)
{
    volatile int *word =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(word != MAP_FAILED, "mmap");
    sem_init(&semaphore, 0, 0);
    pid_t child = fork();
    if (child == 0) {
        rest(WHILE);
        *word = 1;
        _exit(0);
    }
    while (!*word)
        wait_by_semaphore();
    must(end_of(child) == 0, "the other process");
}
