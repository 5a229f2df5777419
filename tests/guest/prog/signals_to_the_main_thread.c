/*
 * The kernel gives a signal for the process to its main thread, where that does not block it: a
 * handler that exits or asks which thread it runs in relies on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

enum { HELD = 11 /* milliseconds: a watch looks after 10 */, TURNS = 80 };

static struct counts {
    _Atomic unsigned handled, elsewhere;
    _Atomic int begun, over;
} * counts;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t turn;

static void count(int number)
{
    (void)number;
    if (syscall(SYS_gettid) != getpid())
        counts->elsewhere++;
    counts->handled++;
}

static void *hold_mutex(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        sem_post(&turn);
        rest(HELD);
        pthread_cond_signal(&condition);
        pthread_mutex_unlock(&mutex);
        rest(1);
    }
    return unused;
}

static void *hold_lock(void *unused)
{
    for (;;) {
        pthread_rwlock_wrlock(&lock);
        sem_post(&turn);
        rest(HELD);
        pthread_rwlock_unlock(&lock);
        rest(1);
    }
    return unused;
}

static void take_turns(void *(*hold)(void *), void (*wait)(void))
{
    handle(SIGUSR1, count, SA_RESTART | SA_NODEFER);
    sem_init(&turn, 0, 0);
    start(hold, NULL);
    counts->begun = 1; /* pthread_create has blocked all signals for a moment */
    for (int i = 0; i < TURNS; i++) {
        wait_for(&turn);
        wait();
    }
    counts->over = 1;
}

static void wait_for_mutex(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void wait_for_condition(void)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void wait_for_lock(void)
{
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_unlock(&lock);
}

static void child_of_mutex(void)
{
    take_turns(hold_mutex, wait_for_mutex);
}

static void child_of_condition(void)
{
    take_turns(hold_mutex, wait_for_condition);
}

static void child_of_lock(void)
{
    take_turns(hold_lock, wait_for_lock);
}

/* One signal after the other: while one is under way the kernel may choose another thread. */
static int signal_child(void (*body)(void))
{
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(counts != MAP_FAILED, "mmap");
    start_sleeper();
    handle(SIGUSR1, SIG_IGN, 0);
    pid_t child = start_child(body);
    while (!counts->begun)
        usleep(1000);
    while (!counts->over && waitpid(child, NULL, WNOHANG) == 0) {
        unsigned before = counts->handled;
        kill(child, SIGUSR1);
        for (int i = 0; i < 1000 && counts->handled == before && !counts->over; i++)
            usleep(20);
    }
    say("signals in other threads: %s\n", counts->elsewhere ? "some" : "none");
    return tell_end(end_in_time(child));
}

SCENARIO(in_a_mutex)
{
    return signal_child(child_of_mutex);
}

SCENARIO(in_a_condition)
{
    return signal_child(child_of_condition);
}

SCENARIO(in_a_lock)
{
    return signal_child(child_of_lock);
}
