/*
 * Plans of waits in a child that lost a thread: a wait x who ends it x what happened before. One
 * plan runs in a process, and what its threads share is here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_PROOF_PLAN_H
#define TESTS_PROOF_PLAN_H

#define GUEST_WITHOUT_MAIN
#include "../../guest/prog/guest.h"

#define EACH_WAIT(DO)    \
    DO(semaphore)        \
    DO(shared_semaphore) \
    DO(condition)        \
    DO(mutex)            \
    DO(own_mutex)        \
    DO(read_lock) DO(write_lock) DO(barrier) DO(join) DO(futex) DO(futex_bitset) DO(shared_futex)
#define EACH_WAKER(DO) \
    DO(thread)         \
    DO(relay) DO(conditions) DO(signal) DO(fault_signal) DO(timer) DO(process) DO(nobody)
#define EACH_PAST(DO) \
    DO(nothing)       \
    DO(timed_wait)    \
    DO(cancelled)     \
    DO(jumped_out)    \
    DO(forked_again)  \
    DO(closed_library) DO(sleeper_beside) DO(thread_ended) DO(requeued) DO(waker_left_a_wait)

#define WAIT(name) wait_##name,
#define WAKER(name) waker_##name,
#define PAST(name) past_##name,
enum wait { EACH_WAIT(WAIT) WAITS };
enum waker { EACH_WAKER(WAKER) WAKERS };
enum past { EACH_PAST(PAST) PASTS };
#undef WAIT
#undef WAKER
#undef PAST

struct plan {
    enum wait wait;
    enum waker waker;
    enum past past;
};

/* In memory of all processes. */
struct shared {
    sem_t semaphore;
    int word;
    pid_t waiter;
    unsigned long waits; /* the number of the one that has begun, or is about to */
    unsigned long looks;
    long delay;
};

extern struct plan plan;
extern long delay; /* microseconds that this wait lasts */
extern struct shared *shared;

/* What is waited for (waits.c). */
extern sem_t own_semaphore, never, held;
extern int own_word, other_word, ready;
extern pthread_mutex_t mutex, condition_mutex;
extern pthread_cond_t condition;
extern pthread_rwlock_t lock;
extern pthread_barrier_t barrier;
extern pthread_t joined;
extern sigjmp_buf out; /* of the wait */

/* waits.c */
sem_t *semaphore(void);
int *word(void);
int is_shared(enum wait wait);
int is_futex(enum wait wait);
void wait_once(void);
void wait_for_a_time(long milliseconds);
void end_wait(void);
void give_back(void); /* what a wait has got before its time */

/* wakers.c: threads that hold what is waited for, or are waited for */
int is_thread(void);
void *be_waited_for(void *unused);
void *move_and_wake(void *unused);

/* pasts.c */
void have_a_past(void);

UNUSED static void rest_us(long microseconds)
{
    struct timespec time = {microseconds / 1000000, microseconds % 1000000 * 1000};
    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        ;
}

UNUSED static void block_all_signals(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

#endif
