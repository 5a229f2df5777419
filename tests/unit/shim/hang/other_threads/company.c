/*
 * Which other threads are asleep for ever, at rest, or awake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/other_threads/fakes.h"

#include <signal.h>

Test(other_threads, alone)
{
    take_look(false);
    cr_assert_eq(found.company, FP_COMPANY_NONE);
    cr_assert_eq(found.threads, 1);
    cr_assert(found.gil_is_free);
}

/* The kernel's list stops at a thread that ends while it is made. */
Test(other_threads, a_thread_that_is_not_listed_may_be_awake)
{
    unlisted = 1;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, asleep_for_ever)
{
    add(OTHER);
    add(OTHER + 1);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    cr_assert_eq(found.threads, 3);
    cr_assert_eq(looks_begun, 2, "one look sees threads at different times");
}

Test(other_threads, awake_in_either_look)
{
    struct thread *thread = add(OTHER);
    for (int i = 0; i < LOOKS; i++)
        for (const char *state = "RDTt?"; *state; state++) {
            thread->looks[i].state = *state;
            cr_assert_eq(company(), FP_COMPANY_AWAKE, "%c in look %d", *state, i);
            thread->looks[i].state = 'S';
        }
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
}

Test(other_threads, ran_between_the_looks)
{
    struct thread *thread = add(OTHER);
    thread->looks[1].voluntary++;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->looks[1] = thread->looks[0];
    thread->looks[1].forced++;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->looks[1] = thread->looks[0];
    thread->looks[1].word += 4;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

/* A handler runs between the two halves of a look at its thread, which then sleeps again. */
Test(other_threads, what_it_blocks_is_what_it_blocks_asleep)
{
    struct thread *thread = add(OTHER);
    thread->looks[1].blocked = UINT64_C(1) << (SIGALRM - 1);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->looks[0].blocked = thread->looks[1].blocked;
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
}

Test(other_threads, waits_that_may_end)
{
    struct thread *thread = add(OTHER);
    struct seen asleep = thread->looks[0];
    struct seen others[] = {asleep, asleep, asleep, asleep, asleep};
    others[0].call = SYS_read;
    others[1].operation = FUTEX_WAIT;                         /* shared */
    others[2].operation = FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG; /* the kernel may hand it over */
    others[3].until = (uint64_t)(uintptr_t)&limit;            /* with a limit, not of ours */
    others[4].call = SYS_futex + 1000;                        /* begins with the same digits */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        thread->looks[0] = thread->looks[1] = others[i];
        cr_assert_eq(company(), FP_COMPANY_AWAKE, "%zu", i);
    }
    BOTH(thread, operation, FUTEX_WAIT | FUTEX_PRIVATE_FLAG);
    BOTH(thread, call, SYS_futex);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
}

/* In calls in which its code holds nothing; in others it may hold a lock of its own. */
Test(other_threads, helpers_at_rest)
{
    struct thread *thread = add(OTHER);
    helping_file = entry.file = "/lib/helper.py";
    has_slot = python_runs = true;
    BOTH(thread, call, SYS_accept4);
    cr_assert_eq(company(), FP_COMPANY_HELPERS);
    cr_assert(found.gil_is_free);
    BOTH(thread, call, SYS_accept);
    cr_assert_eq(company(), FP_COMPANY_HELPERS);
    BOTH(thread, call, SYS_futex);
    BOTH(thread, until, (uint64_t)(uintptr_t)&limit);
    cr_assert_eq(company(), FP_COMPANY_HELPERS);
    BOTH(thread, operation, FUTEX_WAIT_BITSET);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    BOTH(thread, call, SYS_write);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    BOTH(thread, call, SYS_accept);
    thread->looks[1].state = 'R';
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->looks[1].state = 'S';
    entry.file = "/lib/other.py";
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    entry.file = helping_file = ""; /* native code */
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    has_slot = false;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, slices_that_were_told)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    struct fp_wait_record *record = &records[0];
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    cr_assert_eq(found.caller_count, 1);
    cr_assert_eq(found.callers[0], &limit);
    record->deadline++; /* left behind in another wait */
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    record->deadline--;
    record->wait = 0;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    tell(thread, FP_WAIT_SEMAPHORE, WORD - 63);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    tell(thread, FP_WAIT_SEMAPHORE, WORD - 64);
    cr_assert_eq(company(), FP_COMPANY_AWAKE, "the object ends before the word");
    tell(thread, FP_WAIT_SEMAPHORE, WORD + 4);
    cr_assert_eq(company(), FP_COMPANY_AWAKE, "the object begins behind the word");
    tell(thread, FP_WAIT_SEMAPHORE, WORD);
    BOTH(thread, until, 8); /* its stack is gone */
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, slices_on_shared_memory)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    BOTH(thread, operation, FUTEX_WAIT_BITSET);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

/* The kernel wakes a joined thread's word as if it were shared; it lies in the descriptor. */
Test(other_threads, joins_that_were_told)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_JOIN, WORD - 720);
    BOTH(thread, operation, FUTEX_WAIT_BITSET);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    tell(thread, FP_WAIT_JOIN, WORD - 4096);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    tell(thread, FP_WAIT_JOIN, WORD - 720);
    BOTH(thread, call, SYS_read);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, ended_or_unreadable)
{
    struct thread *thread = add(OTHER);
    BOTH(thread, state, 'Z');
    cr_assert_eq(company(), FP_COMPANY_NONE);
    cr_assert_eq(found.threads, 1);
    BOTH(thread, state, 'X');
    cr_assert_eq(company(), FP_COMPANY_NONE);
    BOTH(thread, state, 'S');
    thread->is_unreadable = true;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->is_unreadable = false;
    is_self_unreadable = true;
    cr_assert_eq(company(), FP_COMPANY_AWAKE, "its signal handlers are not known");
}

/* One look is enough for that: it proves nothing. */
Test(other_threads, somebody_seems_awake)
{
    looks_begun = 0;
    self = (pid_t)syscall(SYS_gettid);
    struct thread *thread = add(OTHER);
    cr_assert_not(fp_company_seems_awake());
    cr_assert_eq(looks_begun, 1);
    BOTH(thread, state, 'R');
    cr_assert(fp_company_seems_awake());
    BOTH(thread, state, 'S');
    BOTH(thread, call, SYS_read);
    cr_assert(fp_company_seems_awake());
    breaks_in = true;
    cr_assert_not(fp_company_seems_awake(), "a handler broke in upon such a look");
}
