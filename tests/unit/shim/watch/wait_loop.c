/*
 * Tests of shim/watch/wait_loop.c: when a wait for a condition comes back to its caller, by looks
 * and a clock of the tests' own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/watch/wait_loop.h"

#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/hang/signal_handlers.h"
#include "shim/hang/wait_record.h"
#include "shim/python/python.h"
#include "shim/watch/selector.h"
#include "shim/watch/signal_counts.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t now; /* milliseconds */

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock != CLOCK_MONOTONIC)
        return (int)syscall(SYS_clock_gettime, clock, time);
    *time =
        (struct timespec){.tv_sec = (time_t)(now / 1000), .tv_nsec = (long)(now % 1000) * 1000000};
    return 0;
}

static enum fp_advance found; /* by each look */
static int slices, signal_in, woken_in;
static unsigned signals;

enum fp_advance fp_hang_look(struct fp_waiting *waiting)
{
    (void)waiting;
    return found;
}

unsigned fp_signals_of(const void *condition)
{
    (void)condition;
    return signals;
}

struct timespec fp_waiting_next(struct fp_waiting *waiting, clockid_t clock)
{
    (void)clock;
    waiting->slices++;
    return (struct timespec){0};
}

static int slice(struct fp_waiting *waiting, const struct timespec *deadline)
{
    (void)waiting, (void)deadline;
    now += 1000;
    slices++;
    signals += slices == signal_in;
    return slices == woken_in ? 0 : ETIMEDOUT;
}

void fp_dispatch_resume(void)
{
}

struct fp_wait_record *fp_wait_record_own(void)
{
    return NULL;
}

bool fp_python_holds_gil(void)
{
    return false;
}

bool fp_handlers_interrupt(void)
{
    return false;
}

enum fp_break fp_break_of(const struct fp_waiting *waiting)
{
    (void)waiting;
    return FP_BREAK_NONE;
}

static FP_THREAD struct fp_repeated repeated;

static int endure(enum fp_wait wait)
{
    struct fp_waiting waiting = {.wait = wait, .object = &slices, .repeated = &repeated};
    if (wait != FP_WAIT_CONDITION)
        waiting.repeated = NULL;
    return fp_waiting_endure(&waiting, slice);
}

Test(wait_loop, beside_one_that_is_awake_nothing_has_changed)
{
    woken_in = 40;
    cr_assert_eq(endure(FP_WAIT_CONDITION), 0);
    cr_assert_eq(slices, 40);
}

Test(wait_loop, a_signal_between_two_slices)
{
    signal_in = 7;
    cr_assert_eq(endure(FP_WAIT_CONDITION), ETIMEDOUT);
    cr_assert_eq(slices, 7);
    cr_assert_eq(repeated.slices, 7, "and comes again");
}

Test(wait_loop, a_signal_from_before)
{
    signals = 5;
    woken_in = 3;
    cr_assert_eq(endure(FP_WAIT_CONDITION), 0, "to another condition, or an earlier wait");
}

Test(wait_loop, nobody_is_awake)
{
    found = FP_ADVANCE_EVALUATE;
    cr_assert_eq(endure(FP_WAIT_CONDITION), ETIMEDOUT);
    cr_assert_eq(slices, 1);
    cr_assert_eq(repeated.slices, 1, "and comes again");
}

Test(wait_loop, signals_that_nobody_counts)
{
    cr_assert_eq(endure(FP_WAIT_CONDITION), ETIMEDOUT);
    cr_assert_eq(slices, 60, "once a minute");
    cr_assert_eq(endure(FP_WAIT_CONDITION), ETIMEDOUT);
    cr_assert_eq(slices, 120, "of each call");
}

Test(wait_loop, what_ends_a_look_ends_the_wait)
{
    found = FP_ADVANCE_OVER;
    cr_assert_eq(endure(FP_WAIT_SEMAPHORE), 0);
    found = FP_ADVANCE_INTERRUPT;
    cr_assert_eq(endure(FP_WAIT_SEMAPHORE), EINTR);
    cr_assert_eq(slices, 2);
}
