/*
 * What ties a wait to a runtime: the lock's owner, stacks, the thread that is joined.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/evidence/fakes.h"

TestSuite(evidence, .init = begin);

Test(evidence, owner)
{
    add("polars.so", "");
    uint32_t other = add("libother.so", "other");
    lost_threads[lost_count++] = (struct fp_lost_thread){.tid = 5, .runtime = other};
    owner = 5;
    gather(true);
    cr_assert_eq(evidence.cause, FP_CAUSE_OWNER);
    cr_assert_eq(evidence.entries[evidence.found], other);
    cr_assert_not(fp_evidence_is_parked(&evidence, &waiting, &seen));
    lost_threads[0].runtime = FP_ENTRY_NONE; /* the main thread's */
    gather(true);
    cr_assert_eq(evidence.found, -1);
}

Test(evidence, native_frames)
{
    uint32_t polars = add("polars.so", "");
    add("libother.so", "other");
    natives[native_count++] = (struct fp_native_frame){.dso = "libpython.so", .symbol = ""};
    natives[native_count++] = (struct fp_native_frame){.dso = "polars.so", .symbol = ""};
    FOUND(polars, FP_CAUSE_LIBRARY);
    cr_assert_str_eq(evidence.native[1].dso, POLARS, "its real path");
    cr_assert_not(is_parked());
    native_count = 1;
    waiting.caller = &in_polars;
    FOUND(polars, FP_CAUSE_LIBRARY);
}

Test(evidence, code_that_another_thread_waits_in)
{
    uint32_t polars = add("polars.so", "");
    add("libother.so", "other");
    seen.callers[seen.caller_count++] = &in_polars;
    FOUND(polars, FP_CAUSE_LIBRARY);
}

Test(evidence, region)
{
    uint32_t polars = add("polars.so", "");
    add("libother.so", "other");
    waiting.wait = FP_WAIT_REGION;
    waiting.object = &in_polars;
    waiting.caller = &in_program;
    FOUND(polars, FP_CAUSE_LIBRARY);
    waiting.wait = FP_WAIT_SEMAPHORE;
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
}

Test(evidence, python_lines)
{
    uint32_t executor = add("libpython.so", EXECUTOR);
    add("libother.so", "other");
    call("/usr/lib/python3.11/threading.py", "wait");
    call("/usr/lib/python3.11/concurrent/futures/_base.py", "result");
    call("/home/app.py", "main");
    FOUND(executor, FP_CAUSE_LINE);
    cr_assert_not(is_parked());
}

/* What the parent had called is on the child's stack as well: it says nothing of this wait. */
Test(evidence, frames_of_the_parent)
{
    add("libpython.so", EXECUTOR);
    add("libother.so", "other");
    call("/home/app.py", "work");
    call("/home/fork.py", "run");
    call("/usr/lib/python3.11/concurrent/futures/_base.py", "result");
    inherited = 2; /* fork.py was on top of _base.py */
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    cr_assert(is_parked());
    cr_assert_eq(evidence.own_count, 2, "the frame that forked goes on");
    inherited = 4; /* the child has returned to a frame of the parent's */
    gather(false);
    cr_assert_eq(evidence.own_count, 0);
    inherited = 3;
    gather(false);
    cr_assert_eq(evidence.own_count, 1);
    inherited = 0; /* a thread of the child's */
    FOUND(1, FP_CAUSE_LINE);
    cr_assert_eq(evidence.own_count, 3);
}

Test(evidence, worker_loops)
{
    add("libpython.so", "/usr/lib/python3.11/multiprocessing/pool.py");
    add("libother.so", "other");
    call("/usr/lib/python3.11/multiprocessing/pool.py", "worker");
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    frame_count = depth = 0;
    call("/usr/lib/python3.11/multiprocessing/pool.py", "map");
    FOUND(1, FP_CAUSE_LINE);
}

Test(evidence, joined_thread)
{
    add("libpython.so", EXECUTOR);
    add("libother.so", "other");
    snprintf(joined[joined_count++].file, sizeof joined->file, EXECUTOR);
    FOUND(1, FP_CAUSE_JOINED);
    fp_evidence_read_python(&evidence, &waiting, true, false);
    fp_evidence_weigh(&evidence, &waiting, &seen, false);
    cr_assert_eq(evidence.found, -1, "threads that run may change their stacks");
}
