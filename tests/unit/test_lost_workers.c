/*
 * Tests of shim/threads/lost.c: workers of a team, for whom only who started them waits.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/support/lost_threads.h"

TestSuite(lost_workers, .init = setup);

/* Teams of workers: only who started them waits for them. */

static int workers_of_the_main_thread_are_counted(void)
{
    WANT(fp_runtime_at(first)->lost == 3 && fp_runtime_at(first)->workers_lost == 2);
    WANT(fp_runtime_at(second)->lost == 1 && fp_runtime_at(second)->workers_lost == 1);
    return 0;
}

Test(lost_workers, the_workers_of_the_forking_thread_are_told_apart_from_those_of_others)
{
    add_live(first, 4001);
    add_live(first, 4002);
    add_live(first, 4003)->creator = 4001;
    add_live(second, 4004);
    cr_expect(in_child(workers_of_the_main_thread_are_counted));
}

static int workers_of_that_thread_are_counted(void)
{
    WANT(fp_runtime_at(second)->lost == 3 && fp_runtime_at(second)->workers_lost == 1);
    WANT(fp_runtime_at(first)->workers_lost == 0);
    return 0;
}

static void *make_workers_and_fork(void *slot)
{
    fp_table_enter(slot);
    add_live(second, 4003);
    cr_expect(in_child(workers_of_that_thread_are_counted));
    return NULL;
}

Test(lost_workers, the_workers_of_a_thread_that_forks_are_its_own_not_the_main_threads)
{
    pthread_t thread;
    add_live(second, 4001);
    add_live(second, 4002);
    pthread_create(&thread, NULL, make_workers_and_fork, add_thread(first));
    pthread_join(thread, NULL);
}

static int workers_add_up(void)
{
    WANT(fp_runtime_at(first)->workers_lost == 2 && fp_runtime_at(second)->workers_lost == 1);
    return 0;
}

static int fork_as_survivor(void)
{
    WANT(fp_runtime_at(first)->workers_lost == 1);
    add_live(first, 4002);
    add_live(second, 4003);
    WANT(in_child(workers_add_up));
    return 0;
}

Test(lost_workers, a_survivor_that_forks_again_still_lacks_the_workers_of_its_first_fork)
{
    add_live(first, 4001);
    cr_expect(in_child(fork_as_survivor));
}

static int no_worker_is_missed(void)
{
    WANT(fp_runtime_at(first)->workers_lost == 0 && fp_runtime_at(first)->lost == 2);
    return 0;
}

static void *fork_as_newcomer(void *slot)
{
    fp_table_enter(slot);
    return in_child(no_worker_is_missed) ? slot : NULL;
}

static int fork_by_a_newcomer(void)
{
    pthread_t thread;
    void *passed;
    WANT(fp_runtime_at(first)->workers_lost == 2);
    struct fp_thread_slot *slot = fp_table_claim(second, NULL, NULL);
    WANT(slot);
    pthread_create(&thread, NULL, fork_as_newcomer, slot);
    pthread_join(thread, &passed);
    WANT(passed);
    return 0;
}

Test(lost_workers, a_thread_that_began_in_the_child_lacks_no_workers_of_the_fork_before)
{
    add_live(first, 4001);
    add_live(first, 4002);
    cr_expect(in_child(fork_by_a_newcomer));
}

static int native_libraries_alone(void)
{
    WANT(fp_lost_is_library("/lib/first.so"));
    WANT(!fp_lost_is_library("/lib/second.so")); /* it had no thread */
    WANT(!fp_lost_is_library("/lib/first.so.1"));
    WANT(!fp_lost_is_library("/lib/libpython.so")); /* Python's threads run Python's code */
    WANT(!fp_lost_is_library("/lib/unknown.so"));
    WANT(fp_lost_is_library("")); /* the program's own threads */
    return 0;
}

Test(lost_workers, a_library_is_lost_whose_threads_run_its_code_not_pythons)
{
    add_live(first, 4001);
    add_live(fp_runtime_intern("/lib/libpython.so", "/app/train.py", "/app/train.py:3"), 4002);
    add_live(fp_runtime_intern("", "", ""), 4003);
    add_live(FP_ENTRY_OTHER, 4004);
    cr_expect_not(fp_lost_is_library("/lib/first.so"), "not in the parent");
    cr_expect(in_child(native_libraries_alone));
}
