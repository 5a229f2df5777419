/*
 * What else a look finds: signals that are taken, Python's lock, the main thread, a standstill.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/other_threads/fakes.h"

Test(other_threads, signals_that_somebody_takes)
{
    handled = 0xf0;
    blocked_by_self = 0xff;
    BOTH(add(OTHER), blocked, 0x3f);
    take_look(false);
    cr_assert_eq(found.handled, 0xf0);
    cr_assert_eq(found.handled & found.deliverable, 0xc0);
    threads[0].looks[0].blocked = threads[0].looks[1].blocked = 0xff;
    take_look(false);
    cr_assert_eq(found.handled & found.deliverable, 0);
}

Test(other_threads, pythons_lock)
{
    in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    take_look(false);
    cr_assert(found.gil_is_free);
    records[0].has_gil = true;
    take_look(false);
    cr_assert_not(found.gil_is_free);
    has_record[0] = false;
    BOTH(&threads[0], until, 0);
    take_look(false);
    cr_assert(found.gil_is_free, "a thread of C code");
    python_runs = has_slot = true;
    entry.file = "";
    take_look(false);
    cr_assert(found.gil_is_free);
    entry.file = "pool.py";
    take_look(false);
    cr_assert_not(found.gil_is_free);
}

static void *look_beside_main(void *thorough)
{
    take_look(thorough != NULL);
    return NULL;
}

static void look_from_a_thread(bool thorough)
{
    pthread_t thread;
    pthread_create(&thread, NULL, look_beside_main, thorough ? &limit : NULL);
    pthread_join(thread, NULL);
}

Test(other_threads, main_thread)
{
    struct thread *thread = in_slice(getpid(), FP_WAIT_SEMAPHORE, WORD);
    is_python_code = true;
    look_from_a_thread(false);
    cr_assert(found.main_waits && found.main_is_interruptible && found.main_waits_in_python);
    tell(thread, FP_WAIT_MUTEX, WORD);
    is_python_code = false;
    look_from_a_thread(false);
    cr_assert(found.main_waits && !found.main_is_interruptible && !found.main_waits_in_python);
    tell(thread, FP_WAIT_MUTEX, WORD)->deadline++;
    look_from_a_thread(false);
    cr_assert_not(found.main_waits);
    python_runs = true; /* a main thread has no slot, and runs Python */
    look_from_a_thread(false);
    cr_assert_not(found.gil_is_free);
}

Test(other_threads, another_main_thread_does_not_count)
{
    in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    look_from_a_thread(false);
    cr_assert_not(found.main_waits);
}

Test(other_threads, thorough)
{
    struct thread *thread = add(OTHER);
    BOTH(thread, state, 'R');
    in_slice(OTHER + 1, FP_WAIT_SEMAPHORE, WORD);
    take_look(false);
    cr_assert_eq(found.threads, 2, "the first that is awake ends a look");
    cr_assert_eq(found.caller_count, 0);
    take_look(true);
    cr_assert_eq(found.threads, 3);
    cr_assert_eq(found.caller_count, 1);
    cr_assert_eq(found.company, FP_COMPANY_AWAKE);
}

static uint64_t standstill(void)
{
    take_look(true);
    return found.standstill;
}

/* A thread whose slices end has done nothing; one that was woken has. */
Test(other_threads, standstill)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_CONDITION, WORD);
    uint64_t before = standstill();
    BOTH(thread, voluntary, 9);
    cr_assert_eq(standstill(), before);
    records[0].woken++;
    cr_assert_neq(standstill(), before);
    records[0].woken--;
    records[0].caller = &count;
    cr_assert_neq(standstill(), before);
    records[0].caller = &limit;
    records[0].object = (const void *)(WORD - 8);
    cr_assert_neq(standstill(), before);
    tell(thread, FP_WAIT_CONDITION, WORD);
    cr_assert_eq(standstill(), before);
    has_record[0] = false;
    BOTH(thread, until, 0);
    before = standstill();
    BOTH(thread, voluntary, 10);
    cr_assert_neq(standstill(), before);
    BOTH(thread, voluntary, 9);
    BOTH(thread, forced, 3);
    cr_assert_neq(standstill(), before);
}

/* What a look has seen of some threads is what a later one sees, when the others have acted and
   ended. */
Test(other_threads, no_standstill_while_one_is_awake)
{
    struct thread *sleeper = in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    add(OTHER + 1);
    BOTH(sleeper, state, 'R');
    take_look(false);
    cr_assert_eq(found.threads, 2, "the look ends here");
    cr_assert_eq(found.standstill, 0);
    BOTH(sleeper, state, 'S');
    take_look(false);
    cr_assert_neq(found.standstill, 0);
    unlisted = 1;
    take_look(false);
    cr_assert_eq(found.standstill, 0, "nor of a list that stops early");
}

/* Zero is the standstill of no look at all. */
Test(other_threads, standstill_alone)
{
    uint64_t before = standstill();
    cr_assert_neq(before, 0);
    starts++; /* and it has ended */
    cr_assert_neq(standstill(), before);
}
