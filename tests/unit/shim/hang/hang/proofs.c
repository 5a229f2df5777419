/*
 * What proves that a wait can never end, and what forbids the proof.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/hang/fakes.h"

Test(hang, alone)
{
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_INTERRUPT);
    cr_assert_eq(asked.proofs, 1);
    cr_assert_eq(asked.opinion.grade, FP_GRADE_PROVEN);
    cr_assert_eq(asked.opinion.reason, FP_REASON_ALONE);
    cr_assert_eq(asked.thorough, 0);
    cr_assert_not(asked.was_interruptible);
}

/* Another thread may have cancelled this one before it fell asleep. */
Test(hang, what_is_proven_at_one_look_is_looked_at_again)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    waiting.proofs = 0;
    waiting.since = 0; /* late, too */
    is_about_lost = true;
    seen.company = FP_COMPANY_ASLEEP;
    memset(&asked, 0, sizeof asked);
    cr_assert_eq(fp_hang_look(&waiting), FP_ADVANCE_WAIT);
    cr_assert(asked.proofs == 0 && asked.doubts == 0 && waiting.proofs == 1);
    seen.company = FP_COMPANY_AWAKE;
    waiting.told = true;
    fp_hang_look(&waiting);
    cr_assert_eq(waiting.proofs, 0, "twice in a row");
    seen.company = FP_COMPANY_ASLEEP;
    fp_hang_look(&waiting);
    cr_assert_eq(asked.proofs, 0);
    fp_hang_look(&waiting);
    cr_assert(asked.proofs == 1 && waiting.proofs == 2);
    struct fp_waiting once = wait_for(FP_WAIT_DESTROY);
    once.proofs = 0;
    once.slices = 0;
    look_at(once);
    cr_assert_eq(asked.proofs, 1, "looked at once, before the call");
}

Test(hang, it_has_what_it_waited_for)
{
    is_over = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_OVER);
    cr_assert_eq(asked.looks, 1, "tried after the look around");
    cr_assert_eq(asked.proofs, 0);
}

Test(hang, shared_memory)
{
    is_shared = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.proofs, 0);
    look(FP_WAIT_JOIN);
    cr_assert_eq(asked.proofs, 1, "a thread is never another process's");
    cr_assert_eq(asked.private, 0);
    struct fp_waiting region = wait_for(FP_WAIT_REGION);
    region.object = NULL;
    look_at(region);
    cr_assert_eq(asked.private, 0);
}

Test(hang, memory_on_which_another_process_runs_is_nobody_s_alone)
{
    has_sharer = true;
    look(FP_WAIT_JOIN);
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.proofs, 0);
}

Test(hang, company)
{
    seen.company = FP_COMPANY_AWAKE;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.evidence, 0, "what cannot be proven is not looked at closer");
    seen.company = FP_COMPANY_ASLEEP;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.opinion.reason, FP_REASON_ASLEEP);
    cr_assert(asked.others_sleep);
}

Test(hang, handlers)
{
    waker = FP_WAKER_HANDLER;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.proofs, 0);
    waker = FP_WAKER_INTERRUPT;
    look(FP_WAIT_SEMAPHORE);
    cr_assert(asked.proofs == 1 && asked.was_interruptible);
}

/* Only a semaphore's wait ends for a signal; Python begins its own anew. */
Test(hang, waits_that_signals_interrupt)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_SEMAPHORE);
    look_at(waiting);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_GOOD);
    waiting.caller = &python_code;
    look_at(waiting);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_PYTHON);
    look(FP_WAIT_MUTEX);
    cr_assert_eq(asked.breaks, FP_BREAK_NONE);
}

static void *look_in_thread(void *wait)
{
    look(*(enum fp_wait *)wait);
    return NULL;
}

static void look_beside_main(enum fp_wait wait)
{
    pthread_t thread;
    fp_hang_child(); /* as if no other thread had looked */
    pthread_create(&thread, NULL, look_in_thread, &wait);
    pthread_join(thread, NULL);
}

Test(hang, main_threads_wait_counts)
{
    seen.company = FP_COMPANY_ASLEEP;
    seen.main_is_interruptible = true;
    look_beside_main(FP_WAIT_MUTEX);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_GOOD);
    seen.main_waits_in_python = true;
    look_beside_main(FP_WAIT_MUTEX);
    cr_assert_eq(asked.breaks, FP_BREAK_FOR_PYTHON);
    seen.main_is_interruptible = false;
    look_beside_main(FP_WAIT_SEMAPHORE);
    cr_assert_eq(asked.breaks, FP_BREAK_NONE);
}

Test(hang, owners)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_MUTEX);
    seen.company = FP_COMPANY_AWAKE;
    waiting.owner = owner_of;
    owner = lost = 4000000; /* above any tid */
    look_at(waiting);
    cr_assert_eq(asked.opinion.reason, FP_REASON_OWNER);
    lost = -1;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "a live thread of ours");
}

Test(hang, an_owners_number_may_be_a_new_threads)
{
    struct fp_waiting waiting = wait_for(FP_WAIT_MUTEX);
    seen.company = FP_COMPANY_AWAKE;
    waiting.owner = owner_of;
    owner = lost = getpid();
    struct fp_waiting copy = waiting;
    fp_hang_look(&copy);
    cr_assert_eq(asked.proofs, 0);
}

static int times;
static pid_t owner_that_changes(const struct fp_waiting *waiting)
{
    (void)waiting;
    return times++ == 0 ? owner : 0;
}

static void *look_there(void *waiting)
{
    fp_hang_look(waiting);
    return NULL;
}

Test(hang, an_owner_may_let_go_meanwhile)
{
    pthread_t thread;
    struct fp_waiting waiting = wait_for(FP_WAIT_MUTEX);
    seen.company = FP_COMPANY_AWAKE;
    waiting.owner = owner_that_changes;
    owner = lost = 4000000;
    pthread_create(&thread, NULL, look_there, &waiting);
    pthread_join(thread, NULL);
    cr_assert(asked.looks == 1 && asked.proofs == 0);
}

Test(hang, parked)
{
    is_parked = true;
    cr_assert_eq(look(FP_WAIT_SEMAPHORE), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.proofs, 0);
}

/* A signal that came between two slices is lost: only the caller can say that nothing changed. */
Test(hang, conditions)
{
    struct fp_repeated repeated = {.object = &object, .standstill = 5};
    struct fp_waiting waiting = wait_for(FP_WAIT_CONDITION);
    seen.company = FP_COMPANY_ASLEEP;
    seen.standstill = 6;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0);
    waiting.repeated = &repeated;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "somebody has done something since");
    cr_assert_eq(repeated.standstill, 6);
    seen.mutex_is_wanted = true;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "somebody waits for the mutex that this thread holds here");
    seen.mutex_is_wanted = false;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 1);
    repeated.object = &repeated; /* another wait */
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0);
    repeated.object = &object;
    repeated.standstill = seen.standstill = 0;
    look_at(waiting);
    cr_assert_eq(asked.proofs, 0, "somebody was awake");
}

Test(hang, who_waits_for_a_condition_is_asked_where_nobody_is_awake)
{
    for (seen.company = FP_COMPANY_NONE; seen.company <= FP_COMPANY_AWAKE; seen.company++) {
        bool asks = seen.company != FP_COMPANY_AWAKE;
        cr_assert_eq(look(FP_WAIT_CONDITION), asks ? FP_ADVANCE_EVALUATE : FP_ADVANCE_WAIT);
    }
    seen.company = FP_COMPANY_AWAKE;
    cr_assert_eq(look(FP_WAIT_MUTEX), FP_ADVANCE_WAIT);
}

Test(hang, pythons_lock)
{
    has_python = true;
    seen.company = FP_COMPANY_ASLEEP;
    seen.gil_is_free = false;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_not(asked.asked_gil_is_free);
    seen.gil_is_free = true;
    look(FP_WAIT_SEMAPHORE);
    cr_assert(asked.asked_gil_is_free);
    is_sound = false;
    look(FP_WAIT_SEMAPHORE);
    cr_assert_not(asked.asked_gil_is_free, "a lock that a lost thread may hold");
}

/* Threads that are awake let it go sooner or later, but not one that waits for a condition's mutex.
 */
Test(hang, pythons_lock_beside_threads_that_run)
{
    has_python = true;
    seen.company = FP_COMPANY_AWAKE;
    seen.gil_is_free = false;
    look_at(long_wait(FP_WAIT_SEMAPHORE));
    cr_assert(asked.asked_gil_is_free);
    look_at(long_wait(FP_WAIT_CONDITION));
    cr_assert_not(asked.asked_gil_is_free);
}
