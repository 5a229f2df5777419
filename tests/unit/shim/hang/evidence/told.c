/*
 * What does not tie it, and what is told of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/evidence/fakes.h"

TestSuite(evidence, .init = begin);

static bool points_to_lost(enum fp_wait wait)
{
    waiting.wait = wait;
    return fp_evidence_points_to_lost(&evidence, &waiting);
}

/* It has threads of the child's own: they rest in its code, and its code may wait for them. */
Test(evidence, begun_anew)
{
    uint32_t executor = add("libpython.so", EXECUTOR);
    uint32_t other = add("libpython.so", "/usr/lib/python3.11/concurrent/futures/process.py");
    uint32_t polars = add("polars.so", "");
    struct fp_thread_slot slot = {.runtime = executor};
    call("/usr/lib/python3.11/concurrent/futures/_base.py", "result");
    cr_assert_not(is_parked());
    entries[other].live = 1;
    FOUND(executor, FP_CAUSE_LINE);
    cr_assert(is_parked(), "of the same package");
    entries[other].live = 0;
    entries[executor].live = 1;
    cr_assert(is_parked());
    forking = &slot;
    cr_assert_not(is_parked(), "the thread that came out of the fork");
    frame_count = depth = 0;
    waiting.caller = &in_polars;
    seen.main_waits_in_python = true;
    FOUND(polars, FP_CAUSE_LIBRARY);
    cr_assert_not(is_parked());
    entries[polars].live = 1;
    cr_assert(is_parked(), "a thread of a pool, at rest beside a main thread that is");
    seen.main_waits_in_python = false;
    cr_assert_not(is_parked(), "code of C does not park in Python");
}

/* A consumer that polls, a pool that is idle: they wait for what the child itself has started. */
Test(evidence, doubt_needs_what_was_not_begun_anew)
{
    uint32_t polars = add("polars.so", "");
    waiting.caller = &in_polars;
    FOUND(polars, FP_CAUSE_LIBRARY);
    waiting.timed = true;
    cr_assert(points_to_lost(FP_WAIT_CONDITION));
    entries[polars].live = 1;
    cr_assert_not(points_to_lost(FP_WAIT_CONDITION));
    waiting.timed = false;
    cr_assert(points_to_lost(FP_WAIT_CONDITION), "that has waited all the time");
}

Test(evidence, old_locks)
{
    add("libpython.so", "/home/app.py");
    call("/home/app.py", "main");
    cr_assert(is_parked(), "the program's own code runs in idle workers, too");
    joins_queue = true;
    cr_assert_not(is_parked());
    is_made_here = true;
    cr_assert(is_parked(), "a queue of which no lost thread knew");
    is_made_here = joins_queue = false;
    has_lock = true;
    cr_assert_not(is_parked());
    is_made_here = true;
    cr_assert(is_parked());
    is_made_here = has_lock = false;
    is_of_extension = true;
    cr_assert_not(is_parked());
    waiting.wait = FP_WAIT_CONDITION;
    cr_assert(is_parked());
    waiting.wait = FP_WAIT_SEMAPHORE;
    has_stack = false;
    cr_assert(is_parked(), "without Python's lock nothing is known");
    waiting.caller = &in_program;
    cr_assert_not(is_parked(), "code of C does not park in Python");
}

Test(evidence, only_one_and_used)
{
    uint32_t polars = add("polars.so", "");
    FOUND(polars, FP_CAUSE_ONLY);
    cr_assert_not(points_to_lost(FP_WAIT_SEMAPHORE));
    uint32_t other = add("libother.so", "other");
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    entries[other].used = true;
    FOUND(other, FP_CAUSE_USED);
    cr_assert(points_to_lost(FP_WAIT_SEMAPHORE));
    cr_assert(points_to_lost(FP_WAIT_EPOLL));
    waiting.caller = &in_polars;
    gather(false);
    cr_assert_not(points_to_lost(FP_WAIT_EPOLL),
                  "a program waits for sockets all day");
}

Test(evidence, what_is_off_does_not_count)
{
    add("polars.so", "");
    actions[1] = FP_ACTION_OFF;
    waiting.caller = &in_polars;
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    cr_assert_eq(fp_evidence_action(&evidence), FP_ACTION_OFF);
    entries[1].lost = 0;
    actions[1] = FP_ACTION_FAIL;
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
}

Test(evidence, action)
{
    uint32_t polars = add("polars.so", "");
    uint32_t other = add("libother.so", "other");
    actions[polars] = FP_ACTION_WARN;
    gather(false);
    cr_assert_eq(fp_evidence_action(&evidence), FP_ACTION_FAIL, "the most that is asked for any");
    entries[polars].used = true;
    gather(false);
    cr_assert_eq(fp_evidence_action(&evidence), FP_ACTION_WARN);
    (void)other;
}

Test(evidence, told)
{
    struct fp_hang hang = {0};
    add("polars.so", "");
    waiting.caller = &in_python;
    natives[native_count++] = (struct fp_native_frame){.dso = "/lib/libstdc++.so.6", .symbol = ""};
    natives[native_count++] = (struct fp_native_frame){.dso = "/lib/liba.so", .symbol = ""};
    gather(false);
    fp_evidence_fill(&evidence, &hang, &waiting);
    cr_assert_str_eq(hang.waiting.package, "python");
    cr_assert_str_eq(hang.waiting.version, "3.11.7");
    cr_assert_str_eq(hang.waiting.dso, "/lib/liba.so", "libstdc++ waits for its caller");
    cr_assert_str_eq(hang.at.user, "app.py:7");
    cr_assert_eq(hang.lost, &evidence.lost[0].runtime);
    cr_assert(fp_evidence_has_reader(&evidence));
    has_stack = false;
    gather(false);
    fp_evidence_fill(&evidence, &hang, &waiting);
    cr_assert_not(fp_evidence_has_reader(&evidence));
    entries[1].lost = 0;
    gather(false);
    fp_evidence_fill(&evidence, &hang, &waiting);
    cr_assert_null(hang.lost);
}
