/*
 * When a hang is told: at once, late, or in the time that a server leaves; and by whom.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/hang/fakes.h"

Test(hang, doubts_are_told_late)
{
    seen.company = FP_COMPANY_AWAKE;
    is_about_lost = true;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.doubts, 0);
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert_eq(asked.doubts, 1);
    cr_assert_eq(asked.thorough, 1);
    cr_assert_eq(asked.opinion.grade, FP_GRADE_SUSPECTED);
    is_about_lost = false;
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert_eq(asked.doubts, 0, "nothing says that it has to do with the fork");
    is_about_lost = true;
    struct fp_waiting told = long_wait(FP_WAIT_SEMAPHORE);
    told.told = true;
    look_at(told);
    cr_assert_eq(asked.doubts, 0);
}

Test(hang, doubts_are_looked_at_each_time_that_the_wait_has_lasted_twice_as_long)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    int thorough = 0;
    seen.company = FP_COMPANY_AWAKE;
    for (unsigned seconds = 0; seconds < 250; seconds += 10) { /* hang_seconds=30 */
        waiting.since = fp_milliseconds() - seconds * 1000;
        memset(&asked, 0, sizeof asked);
        fp_hang_look(&waiting);
        thorough += asked.thorough;
        cr_assert_eq(asked.thorough,
                     seconds == 30 || seconds == 60 || seconds == 120 || seconds == 240,
                     "after %u s", seconds);
    }
    cr_assert_eq(thorough, 4);
}

static struct fp_waiting wait_since(uint64_t milliseconds)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waiting.since = fp_milliseconds() - milliseconds;
    return waiting;
}

/* A server ends a worker that hangs before hang_seconds are over. */
Test(hang, a_wait_for_what_was_lost_that_a_handler_might_end_is_told_in_time)
{
    waker = FP_WAKER_HANDLER;
    look_at(wait_since(6000));
    cr_assert_eq(asked.doubts, 0, "it may be meant to sleep");
    is_tied = true;
    look_at(wait_since(4000));
    cr_assert_eq(asked.doubts, 0);
    look_at(wait_since(6000));
    cr_assert_eq(asked.doubts, 1);
    struct fp_waiting told = wait_since(6000);
    told.told = true;
    look_at(told);
    cr_assert_eq(asked.doubts, 0);
}

Test(hang, a_handler_that_ends_the_process_is_no_rescue_of_what_was_lost)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waiting.slices = 2;
    waker = FP_WAKER_EXIT;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0);
    is_tied = true;
    look_at(waiting);
    cr_assert(asked.proofs == 1 && asked.opinion.reason == FP_REASON_SIGNAL);
}

/* Its signal may have come while a slice ran out, and Python runs the handler later. */
Test(hang, a_timer_that_has_run_out_may_be_a_rescue)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waker = FP_WAKER_EXIT;
    is_tied = true;
    fp_hang_look(&waiting);
    cr_assert_eq(asked.proofs, 0, "it may have been set and run out within the first slice");
    timers = 4;
    waiting.slices++;
    fp_hang_look(&waiting);
    timers = 0;
    waiting.slices++;
    fp_hang_look(&waiting);
    cr_assert_eq(asked.timers, 4, "one that was set at an earlier look of this wait");
}

Test(hang, what_was_told_may_be_proven_later)
{
    struct fp_waiting told = long_wait(FP_WAIT_SEMAPHORE);
    told.told = true;
    look_at(told);
    cr_assert_eq(asked.proofs, 1);
}

Test(hang, main_thread_speaks_first)
{
    seen.company = FP_COMPANY_ASLEEP;
    seen.main_waits = true;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.proofs, 0);
    struct fp_waiting patient = wait_for(FP_WAIT_SEMAPHORE);
    patient.slices = 6;
    look_at(patient);
    cr_assert_eq(asked.proofs, 1, "the main thread says nothing");
    is_about_lost = true;
    seen.company = FP_COMPANY_AWAKE;
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert_eq(asked.doubts, 0);
}

static void *look_beside(void *unused)
{
    look(FP_WAIT_MUTEX);
    return unused;
}

/* It ends the process, or goes on, and would be told twice. */
Test(hang, a_main_thread_that_has_just_got_an_error_is_given_time)
{
    pthread_t thread;
    seen.company = FP_COMPANY_ASLEEP;
    look(FP_WAIT_MUTEX);
    cr_assert_eq(asked.proofs, 1);
    pthread_create(&thread, NULL, look_beside, NULL);
    pthread_join(thread, NULL);
    cr_assert(asked.looks == 1 && asked.proofs == 0);
    look(FP_WAIT_MUTEX);
    cr_assert_eq(asked.proofs, 1, "it waits again itself");
}
