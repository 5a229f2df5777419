/*
 * Tests of shim/threads/lost.c: which threads are lost, in children that are forked here.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/support/lost_threads.h"

TestSuite(lost, .init = setup);

static pid_t tids[3];

static int all_are_noted_once(void)
{
    WANT(fp_lost_count() == 3 && fp_lost_total() == 3);
    for (int i = 0; i < 3; i++) {
        const struct fp_lost_thread *thread = fp_lost_find(tids[i]);
        WANT(thread && thread->tid == tids[i]);
        WANT(thread->runtime == (i < 2 ? first : second));
    }
    WANT(!fp_lost_find(getppid()));
    WANT(!fp_lost_find(getpid()));
    WANT(!fp_lost_find(0));
    WANT(fp_runtime_at(first)->lost == 2 && fp_runtime_at(second)->lost == 1);
    return 0;
}

Test(lost, the_tids_of_all_others_but_not_that_of_the_main_thread_that_forked)
{
    tids[0] = start_thread(first);
    tids[1] = start_thread(first);
    tids[2] = start_thread(second);
    cr_expect_eq(fp_lost_count(), 0, "in the parent nothing is lost");
    cr_expect(in_child(all_are_noted_once));
    cr_expect_eq(fp_lost_count(), 0);
}

static int nothing_is_noted(void)
{
    WANT(fp_lost_count() == 0);
    return 0;
}

Test(lost, threads_that_have_ended_were_not_lost)
{
    struct fp_thread_slot *slot = add_live(first, 4242);
    fp_table_leave(slot, atomic_load(&slot->life));
    cr_expect(in_child(nothing_is_noted));
}

static int its_workers_alone_are_noted(void)
{
    WANT(fp_lost_count() == 0 && fp_lost_total() == 1);
    WANT(fp_runtime_at(first)->workers_lost == 1);
    return 0;
}

/* It has no tid yet that could own a lock. */
Test(lost, a_thread_that_was_about_to_start_has_no_tid_but_will_be_waited_for)
{
    add_thread(first);
    cr_expect(in_child(its_workers_alone_are_noted));
}

static pid_t own_tid, main_tid;
static int (*check_here)(void);

static void *fork_here(void *slot)
{
    fp_table_enter(slot);
    own_tid = gettid();
    cr_expect(in_child(check_here));
    return NULL;
}

static void fork_in_thread(uint32_t runtime, int (*check)(void))
{
    pthread_t thread;
    check_here = check;
    main_tid = getpid();
    pthread_create(&thread, NULL, fork_here, add_thread(runtime));
    pthread_join(thread, NULL);
}

static int main_thread_is_noted_without_a_runtime(void)
{
    WANT(fp_lost_count() == 2);
    WANT(!fp_lost_find(own_tid));
    const struct fp_lost_thread *thread = fp_lost_find(main_tid);
    WANT(thread && thread->runtime == FP_ENTRY_NONE);
    thread = fp_lost_find(tids[0]);
    WANT(thread && thread->runtime == second);
    return 0;
}

Test(lost, where_another_thread_forks_the_main_thread_is_lost_not_that_one)
{
    tids[0] = start_thread(second);
    fork_in_thread(first, main_thread_is_noted_without_a_runtime);
}

static int both_generations_are_noted(void)
{
    WANT(fp_lost_count() == 3);
    WANT(fp_lost_find(4001)->runtime == first);
    WANT(fp_lost_find(4002)->runtime == second);
    WANT(fp_lost_find(4003)->runtime == second);
    for (size_t i = 0; i < 3; i++)
        WANT(fp_lost_thread(i)->tid == (pid_t)(4001 + i));
    return 0;
}

static int fork_again(void)
{
    WANT(fp_lost_count() == 1);
    add_live(second, 4002);
    add_live(second, 4003);
    WANT(in_child(both_generations_are_noted));
    WANT(fp_lost_count() == 1);
    return 0;
}

Test(lost, a_grandchild_knows_what_its_parent_had_lost)
{
    add_live(first, 4001);
    cr_expect(in_child(fork_again));
}

static int the_later_of_two_is_found(void)
{
    WANT(fp_lost_count() == 2 && fp_lost_find(4001)->runtime == second);
    return 0;
}

static int fork_with_the_same_tid(void)
{
    add_live(second, 4001);
    WANT(in_child(the_later_of_two_is_found));
    return 0;
}

Test(lost, a_tid_that_the_kernel_gave_twice_is_that_of_the_later_thread)
{
    add_live(first, 4001);
    cr_expect(in_child(fork_with_the_same_tid));
}

static int main_thread_of_a_threads_child_is_itself(void)
{
    WANT(fp_lost_count() == 1); /* the main thread of the first process */
    WANT(fp_lost_find(main_tid) && !fp_lost_find(getppid()));
    return 0;
}

static int fork_again_as_main_thread(void)
{
    WANT(in_child(main_thread_of_a_threads_child_is_itself));
    return 0;
}

Test(lost, the_thread_that_forked_is_the_main_thread_of_its_child_and_not_lost_by_that_ones)
{
    fork_in_thread(first, fork_again_as_main_thread);
}

static pid_t middle_tid;

static int the_main_thread_between_is_counted_once(void)
{
    WANT(fp_lost_count() == 2 && fp_lost_total() == 2);
    const struct fp_lost_thread *thread = fp_lost_find(main_tid);
    WANT(thread && thread->runtime == FP_ENTRY_NONE);
    thread = fp_lost_find(getppid()); /* it has the slot of the thread that forked it */
    WANT(thread && thread->runtime == first);
    WANT(!fp_lost_find(own_tid) && !fp_lost_find(middle_tid));
    WANT(fp_runtime_at(first)->lost == 1 && fp_runtime_at(second)->lost == 0);
    return 0;
}

static void *fork_in_the_middle(void *slot)
{
    fp_table_enter(slot);
    middle_tid = gettid();
    return in_child(the_main_thread_between_is_counted_once) ? slot : NULL;
}

static int fork_again_in_a_thread(void)
{
    pthread_t thread;
    void *passed;
    WANT(fp_lost_count() == 1 && fp_lost_total() == 1);
    struct fp_thread_slot *slot = fp_table_claim(second, NULL, NULL);
    WANT(slot);
    pthread_create(&thread, NULL, fork_in_the_middle, slot);
    pthread_join(thread, &passed);
    WANT(passed);
    return 0;
}

Test(lost, a_main_thread_that_a_thread_had_forked_is_counted_once_where_another_one_forks)
{
    fork_in_thread(first, fork_again_in_a_thread);
}

static int as_many_as_fit(void)
{
    WANT(fp_lost_count() == FP_LOST_MAX && fp_lost_total() == FP_LOST_MAX + 100);
    WANT(fp_lost_find(10000) && fp_lost_find(10000 + FP_LOST_MAX - 1));
    WANT(!fp_lost_find(10000 + FP_LOST_MAX));
    WANT(fp_runtime_at(first)->lost == FP_LOST_MAX + 100);
    return 0;
}

Test(lost, more_than_there_is_room_for_are_counted_not_listed)
{
    for (int i = 0; i < FP_LOST_MAX + 100; i++)
        add_live(first, 10000 + i);
    cr_expect(in_child(as_many_as_fit));
}

static int the_others_alone_are_noted(void)
{
    WANT(fp_lost_count() == 1 && fp_lost_find(4002) && !fp_lost_find(4001));
    WANT(fp_runtime_at(first)->workers_lost == 0 && fp_runtime_at(second)->workers_lost == 1);
    return 0;
}

Test(lost, what_was_reset_for_this_fork_is_not_lost)
{
    add_live(first, 4001);
    add_live(second, 4002);
    reset = first;
    cr_expect(in_child(the_others_alone_are_noted));
}
