/*
 * The look itself: signals wait until it is done, one thread looks at a time, a child can look.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/hang/fakes.h"

Test(hang, signals_wait_until_the_look_is_done)
{
    sigset_t blocked, after;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &blocked, NULL);
    fp_self.inside = 0;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.signals, 1);
    cr_assert_eq(asked.inside, 1);
    cr_assert_eq(fp_self.inside, 0);
    cr_assert_eq(asked.blocked, UINT64_C(1) << (SIGUSR1 - 1), "%lx", asked.blocked);
    cr_assert(sigismember(&asked.mask, SIGTERM) == 1);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    cr_assert(sigismember(&after, SIGUSR1) == 1 && sigismember(&after, SIGTERM) == 0);
}

/* It came while they were blocked: it would have broken off the wait. */
Test(hang, signals_that_came_in_the_look)
{
    seen.company = FP_COMPANY_AWAKE;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    has_signal = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_INTERRUPT);
    cr_assert_eq(look(FP_WAIT_MUTEX), FP_ADVANCE_WAIT, "a signal does not end it");
}

/* The kernel would give a signal of the process's to another thread. */
Test(hang, the_main_thread_finds_somebody_awake_without_blocking_signals)
{
    struct fp_repeated repeated = {.object = &object, .standstill = 5};
    struct fp_waiting waiting = wait_for(FP_WAIT_CONDITION);
    waiting.repeated = &repeated;
    seen.company = FP_COMPANY_AWAKE;
    fp_self.inside = 0;
    errno = 0;
    cr_assert_eq(look_at(waiting), FP_ADVANCE_WAIT);
    cr_assert(asked.glances == 1 && asked.looks == 0 && asked.signals == 0);
    cr_assert(sigismember(&asked.mask, SIGTERM) == 0 && asked.inside == 0);
    cr_assert_eq(errno, 0);
    cr_assert_eq(repeated.standstill, 0, "at the next look this one says nothing");
    seen.company = FP_COMPANY_ASLEEP;
    look_at(waiting);
    cr_assert(asked.glances == 1 && asked.looks == 1 && asked.signals == 1);
}

Test(hang, what_needs_no_company_is_looked_at_at_once)
{
    seen.company = FP_COMPANY_AWAKE;
    look_at(long_wait(FP_WAIT_MUTEX));
    cr_assert(asked.glances == 0 && asked.looks == 1, "late");
    look(FP_WAIT_SEMAPHORE);
    cr_assert(asked.glances == 0 && asked.looks == 1, "a signal ends it, and is not to be lost");
    interrupts = false;
    look(FP_WAIT_SEMAPHORE);
    cr_assert(asked.glances == 1 && asked.looks == 0, "no signal ends it");
    look(FP_WAIT_REGION);
    cr_assert(asked.glances == 0 && asked.proofs == 1);
}

static void *look_beside(void *unused)
{
    look(FP_WAIT_MUTEX);
    return unused;
}

Test(hang, other_threads_block_signals)
{
    pthread_t thread;
    seen.company = FP_COMPANY_AWAKE;
    pthread_create(&thread, NULL, look_beside, NULL);
    pthread_join(thread, NULL);
    cr_assert(asked.glances == 0 && asked.looks == 1);
}

Test(hang, no_look)
{
    fp_self.inside = 1;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.looks, 0);
    fp_self.inside = 0;
    fp_active = false;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.looks, 0);
}

static void *look_twice(void *unused)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    /* The first look's time is measured; a second one within fifty times of it is not made. */
    for (volatile int i = 0; i < 20000000; i++)
        ;
    fp_hang_look(&waiting);
    waiting.slices = 0;
    fp_hang_look(&waiting); /* a wait that has just begun is looked at all the same */
    return unused;
}

Test(hang, looks_at_once_by_two_threads)
{
    pthread_t thread;
    memset(&asked, 0, sizeof asked);
    pthread_create(&thread, NULL, look_twice, NULL);
    pthread_join(thread, NULL);
    cr_assert_eq(asked.looks, 2);
}

/* A child that was forked in the midst of another thread's look can look. */
static void fork_and_look(void)
{
    pid_t child = fork();
    int status;
    if (child == 0) {
        fp_hang_child();
        memset(&asked, 0, sizeof asked);
        seen.company = FP_COMPANY_NONE;
        struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
        fp_self.inside = 0;
        fp_hang_look(&waiting);
        _exit(asked.proofs == 1 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
}

static bool fork_within(struct fp_waiting *waiting)
{
    (void)waiting;
    struct fp_waiting other = wait_for(FP_WAIT_SEMAPHORE);
    int before = asked.looks;
    fp_self.inside = 0;
    fp_hang_look(&other);
    cr_assert_eq(asked.looks, before, "one look at a time");
    fork_and_look();
    fp_self.inside = 1;
    return false;
}

Test(hang, a_child_can_look)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waiting.is_over = fork_within;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 1);
}
