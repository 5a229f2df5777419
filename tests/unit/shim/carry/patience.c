/*
 * Tests of shim/carry/patience.c: how long a fork waits, by a clock and processors of the tests'
 * own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/carry/patience.h"

#include "common/files.h"
#include "shim/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREAD = 4711, OTHER = 4712, MILLISECOND = 1000 };

static uint64_t now = 77; /* microseconds */
static uint64_t used;     /* by either thread */
static char state = 'R';
static int asked;

ssize_t fp_file_read(const char *path, char *buffer, size_t size)
{
    int tid;
    cr_assert_eq(sscanf(path, "/proc/self/task/%d/stat", &tid), 1);
    asked++;
    return snprintf(buffer, size, "%d (a) R (name) %c 1 2 3", tid, state);
}

static struct timespec of(uint64_t microseconds)
{
    return (struct timespec){.tv_sec = (time_t)(microseconds / 1000000),
                             .tv_nsec = (long)(microseconds % 1000000) * 1000};
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock >= 0 && clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, time);
    int tid = (int)~(clock >> 3);
    cr_assert(clock == CLOCK_MONOTONIC || tid == THREAD || tid == OTHER, "the clock of a thread");
    *time = of(clock == CLOCK_MONOTONIC ? now : used);
    return 0;
}

static struct fp_party party;

static void hindered_by(int thread)
{
    party.count = 2;
    party.members[1].outcome.reason = FP_UNCARRIED_RUNS;
    party.members[1].outcome.thread = thread;
}

/* Until it is over, by looks a millisecond apart at a thread that gets so much of a processor;
   milliseconds, `most` of them. */
static int wait_for(struct fp_patience *patience, int percent, int most)
{
    int waited = 0;
    while (!fp_patience_is_over(patience, &party) && waited < most) {
        now += MILLISECOND;
        used += (uint64_t)percent * MILLISECOND / 100;
        waited++;
    }
    return waited;
}

static int wait_anew(int percent)
{
    struct fp_patience patience = fp_patience_begin();
    hindered_by(THREAD);
    return wait_for(&patience, percent, 60000);
}

Test(patience, one_that_runs)
{
    cr_assert_eq(wait_anew(100), 500);
    cr_assert_eq(asked, 1, "once, when the time is up");
}

Test(patience, one_that_gets_no_processor)
{
    int waited = wait_anew(1);
    cr_assert(waited >= 10000 && waited <= 10500, "%d", waited);
}

Test(patience, one_that_sleeps_where_nobody_sees_it)
{
    state = 'S';
    cr_assert_eq(wait_anew(0), 500);
}

Test(patience, one_that_gets_a_processor_late)
{
    struct fp_patience patience = fp_patience_begin();
    hindered_by(THREAD);
    cr_assert_eq(wait_for(&patience, 0, 1200), 1200, "it goes on");
    cr_assert(wait_for(&patience, 100, 60000) <= 800, "and is busy");
}

Test(patience, each_in_turn)
{
    struct fp_patience patience = fp_patience_begin();
    hindered_by(THREAD);
    cr_assert_eq(wait_for(&patience, 100, 300), 300);
    hindered_by(OTHER);
    int waited = wait_for(&patience, 0, 60000);
    cr_assert(waited > 5000, "the second has had nothing yet: %d", waited);
}

Test(patience, after_two_misses_forks_ask_once)
{
    cr_assert_eq(wait_anew(100), 500);
    cr_assert_eq(wait_anew(100), 500);
    cr_assert_eq(wait_anew(100), 0);
    cr_assert_eq(wait_anew(0), 0, "whatever they do");
    fp_patience_paid();
    cr_assert_eq(wait_anew(100), 500);
}

Test(patience, a_library_hinders_without_a_thread)
{
    struct fp_patience patience = fp_patience_begin();
    hindered_by(0);
    cr_assert_eq(wait_for(&patience, 0, 60000), 500);
}
