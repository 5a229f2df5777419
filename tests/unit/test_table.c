/* Tests of shim/threads/table.c. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/threads/runtimes.h"
#include "shim/base/self.h"
#include "shim/threads/table.h"

static bool count_slot(struct fp_thread_slot *slot, fp_life life, void *context)
{
    (void)slot;
    (void)life;
    ++*(unsigned *)context;
    return true;
}

static unsigned in_use(void)
{
    unsigned count = 0;
    fp_table_each(count_slot, &count);
    return count;
}

static fp_life life_of(struct fp_thread_slot *slot)
{
    return atomic_load(&slot->life);
}

Test(table, a_process_without_second_thread_is_known_as_such)
{
    cr_expect_not(fp_table_ever_threaded());
    cr_expect_eq(fp_table_threads(), 1u);
    struct fp_thread_slot *slot = fp_table_claim(0, NULL, NULL);
    fp_table_leave(slot, life_of(slot));
    cr_expect(fp_table_ever_threaded(), "also after the thread has gone");
    cr_expect_eq(fp_table_threads(), 1u);
}

Test(table, every_slot_can_be_taken_and_given_back)
{
    static struct fp_thread_slot *slots[FP_THREADS_MAX];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < FP_THREADS_MAX; i++) {
            slots[i] = fp_table_claim(0, NULL, NULL);
            cr_assert(slots[i]);
        }
        cr_expect_null(fp_table_claim(0, NULL, NULL));
        cr_expect_eq(in_use(), FP_THREADS_MAX);
        for (int i = 0; i < FP_THREADS_MAX; i++)
            fp_table_leave(slots[i], life_of(slots[i]));
        cr_expect_eq(in_use(), 0u);
        cr_expect_eq(fp_runtime_at(0)->live, 0u);
    }
}

Test(table, a_life_that_is_over_cannot_end_the_next_one_in_its_slot)
{
    struct fp_thread_slot *slot = fp_table_claim(0, NULL, NULL);
    fp_life first = life_of(slot);
    fp_table_leave(slot, first);
    cr_assert_eq(fp_table_claim(0, NULL, NULL), slot);
    fp_table_leave(slot, first); /* a census that met the first thread and finds it gone */
    cr_expect_eq(in_use(), 1u);
    cr_expect_eq(fp_table_threads(), 2u);
    fp_table_leave(slot, life_of(slot));
    fp_table_leave(slot, life_of(slot));
    cr_expect_eq(fp_table_threads(), 1u);
}

static void *enter_and_leave(void *argument)
{
    fp_table_enter(argument);
    cr_expect_eq(fp_life_tid(fp_self.life), gettid());
    fp_table_leave(argument, fp_self.life);
    return NULL;
}

static void *churn(void *argument)
{
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        struct fp_thread_slot *slot = fp_table_claim(0, argument, NULL);
        pthread_create(&thread, NULL, enter_and_leave, slot);
        pthread_join(thread, NULL);
    }
    return NULL;
}

Test(table, threads_that_come_and_go_at_once_leave_it_empty)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(in_use(), 0u);
    cr_expect_eq(fp_table_threads(), 1u);
}

/* Runs `check` in a forked child; true when it says so. */
static bool in_child(bool (*check)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        fp_table_child(NULL);
        _exit(check() ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

static bool only_main_is_left(void)
{
    return in_use() == 0 && fp_table_threads() == 1 && fp_table_ever_threaded() == false;
}

static bool all_slots_are_free_again(void)
{
    for (int i = 0; i < FP_THREADS_MAX; i++)
        if (!fp_table_claim(0, NULL, NULL))
            return false;
    return in_use() == FP_THREADS_MAX;
}

Test(table, a_child_of_the_main_thread_starts_empty)
{
    for (int i = 0; i < 100; i++)
        fp_table_claim(0, NULL, NULL);
    cr_expect(in_child(only_main_is_left));
    cr_expect(in_child(all_slots_are_free_again));
    cr_expect_eq(in_use(), 100u, "the parent keeps its own");
}

static _Atomic bool met_the_dead, claimed_all;

static bool meet_the_dead(struct fp_thread_slot *slot, fp_life life, void *context)
{
    (void)slot;
    (void)context;
    if (fp_life_tid(life) == getppid())
        met_the_dead = true;
    return true;
}

static void *look_for_the_dead(void *argument)
{
    while (!claimed_all)
        fp_table_each(meet_the_dead, NULL);
    return argument;
}

static bool lost_threads_are_never_met(void)
{
    pthread_t watcher;
    pthread_create(&watcher, NULL, look_for_the_dead, NULL);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 4000; i++)
            fp_table_claim(0, NULL, NULL);
        usleep(1000);
    }
    claimed_all = true;
    pthread_join(watcher, NULL);
    return !met_the_dead;
}

Test(table, slots_taken_anew_in_a_child_never_show_who_had_them_in_the_parent)
{
    for (int i = 0; i < FP_THREADS_MAX; i++)
        fp_table_enter(fp_table_claim(0, NULL, NULL)); /* all lead the main thread's life */
    fp_self.slot = NULL;
    for (int i = 0; i < 10; i++)
        cr_expect(in_child(lost_threads_are_never_met));
}

static bool own_slot_is_kept(void)
{
    struct fp_thread_slot *own = fp_self.slot;
    fp_table_child(NULL); /* a second time changes nothing */
    if (in_use() != 1 || fp_table_threads() != 1 || fp_life_tid(fp_self.life) != getpid())
        return false;
    for (int i = 0; i < FP_THREADS_MAX - 1; i++)
        if (fp_table_claim(0, NULL, NULL) == own)
            return false;
    fp_table_leave(own, fp_self.life);
    return in_use() == FP_THREADS_MAX - 1;
}

static void *fork_here(void *argument)
{
    fp_table_enter(argument);
    cr_expect(in_child(own_slot_is_kept));
    return NULL;
}

Test(table, a_child_of_another_thread_keeps_that_threads_slot_alone)
{
    pthread_t thread;
    for (int i = 0; i < 10; i++)
        fp_table_claim(0, NULL, NULL);
    struct fp_thread_slot *slot = fp_table_claim(0, NULL, NULL);
    pthread_create(&thread, NULL, fork_here, slot);
    pthread_join(thread, NULL);
    cr_expect_eq(in_use(), 11u);
}
