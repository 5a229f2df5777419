/* Tests of shim/threads/lost.c, in children that are forked here. SPDX-License-Identifier:
 * Apache-2.0 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/base/self.h"
#include "shim/threads/lost.h"
#include "shim/threads/table.h"

/* What the shim does in a forked child (watch.c, child.c). */
static _Thread_local bool is_survivor;
static _Thread_local struct fp_forking_thread forking; /* noted in the parent */
static uint32_t reset = FP_ENTRY_NONE;                 /* the runtime that was reset for the fork */

static bool is_reset(uint32_t runtime)
{
    return runtime == reset;
}

static void enter_child(void)
{
    fp_lost_note(&forking, is_reset);
    is_survivor = true;
    fp_table_child(NULL);
}

/* Runs `check` in a forked child; true when it finds nothing wrong: it returns 0, or the line. */
static bool in_child(int (*check)(void))
{
    int status;
    if (!fp_self.slot)
        fp_table_note_main();
    forking = (struct fp_forking_thread){
        .process = getpid(), .creator = fp_table_creator(), .is_survivor = is_survivor};
    pid_t child = fork();
    if (child == 0) {
        enter_child();
        int line = check();
        if (line)
            dprintf(STDERR_FILENO, "in a child: line %d\n", line);
        _exit(line != 0);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

#define WANT(condition)      \
    do {                     \
        if (!(condition))    \
            return __LINE__; \
    } while (0)

static struct fp_thread_slot *add_thread(uint32_t runtime)
{
    if (!fp_self.slot && gettid() == getpid())
        fp_table_note_main();
    struct fp_thread_slot *slot = fp_table_claim(runtime, NULL, NULL);
    cr_assert(slot);
    return slot;
}

/* A thread that lives with this tid, as far as the table knows. */
static struct fp_thread_slot *add_live(uint32_t runtime, pid_t tid)
{
    struct fp_thread_slot *slot = add_thread(runtime);
    fp_life life = atomic_load(&slot->life);
    atomic_store(&slot->life, (life & ~(fp_life)3) | (fp_life)tid << 2 | FP_THREAD_LIVE);
    return slot;
}

/* A real one, which stays until the process ends. */
static pthread_barrier_t entered;
static _Atomic pid_t entered_tid;

static void *stay(void *argument)
{
    fp_table_enter(argument);
    entered_tid = gettid();
    pthread_barrier_wait(&entered);
    for (;;)
        pause();
    return NULL;
}

static pid_t start_thread(uint32_t runtime)
{
    pthread_t thread;
    pthread_barrier_init(&entered, NULL, 2);
    pthread_create(&thread, NULL, stay, add_thread(runtime));
    pthread_barrier_wait(&entered);
    return entered_tid;
}

static uint32_t first, second;

static void setup(void)
{
    first = fp_runtime_intern("/lib/first.so", "", "");
    second = fp_runtime_intern("/lib/second.so", "", "");
}

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

/* Teams of workers: only who started them waits for them. */

static int workers_of_the_main_thread_are_counted(void)
{
    WANT(fp_runtime_at(first)->lost == 3 && fp_runtime_at(first)->workers_lost == 2);
    WANT(fp_runtime_at(second)->lost == 1 && fp_runtime_at(second)->workers_lost == 1);
    return 0;
}

Test(lost, the_workers_of_the_forking_thread_are_told_apart_from_those_of_others)
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

Test(lost, the_workers_of_a_thread_that_forks_are_its_own_not_the_main_threads)
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

Test(lost, a_survivor_that_forks_again_still_lacks_the_workers_of_its_first_fork)
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

Test(lost, a_thread_that_began_in_the_child_lacks_no_workers_of_the_fork_before)
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

Test(lost, a_library_is_lost_whose_threads_run_its_code_not_pythons)
{
    add_live(first, 4001);
    add_live(fp_runtime_intern("/lib/libpython.so", "/app/train.py", "/app/train.py:3"), 4002);
    add_live(fp_runtime_intern("", "", ""), 4003);
    add_live(FP_ENTRY_OTHER, 4004);
    cr_expect_not(fp_lost_is_library("/lib/first.so"), "not in the parent");
    cr_expect(in_child(native_libraries_alone));
}
