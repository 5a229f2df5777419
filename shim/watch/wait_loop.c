/* See wait_loop.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/wait_loop.h"

#include "shim/base/clock.h"
#include "shim/base/main_thread.h"
#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/hang/signal_handlers.h"
#include "shim/hang/wait_record.h"
#include "shim/python/python.h"
#include "shim/watch/selector.h"
#include "shim/watch/signal_counts.h"

#include <errno.h>

/* A caller that only looks at its condition is back at once. */
static void go_on_from(struct fp_waiting *waiting, const struct fp_repeated *before)
{
    enum { AT_ONCE = 1000 /* milliseconds; Python's lock may have to be waited for */ };
    if (!before || before->object != waiting->object || waiting->since - before->left > AT_ONCE)
        return;
    waiting->since = before->since;
    waiting->slices = before->slices;
    waiting->late_looks = before->late_looks;
    waiting->proofs = before->proofs;
    waiting->told = before->told;
    waiting->warned = before->warned;
    waiting->timers = before->timers;
}

void fp_waiting_begin(struct fp_waiting *waiting)
{
    struct fp_wait_record *record = fp_wait_record_own();
    fp_dispatch_resume();
    waiting->since = waiting->entered = fp_milliseconds();
    if (waiting->wait == FP_WAIT_CONDITION)
        waiting->signals = fp_signals_of(waiting->object);
    if (waiting->repeated && waiting->repeated->object != waiting->object)
        *waiting->repeated = (struct fp_repeated){0};
    go_on_from(waiting, waiting->repeated);
    if (!record)
        return;
    atomic_store(&record->object, waiting->object);
    atomic_store(&record->caller, waiting->caller);
    atomic_store(&record->has_gil, fp_python_holds_gil());
    atomic_store(&record->wait, (int)waiting->wait + 1);
}

void fp_waiting_end(const struct fp_waiting *waiting, bool woken)
{
    struct fp_wait_record *record = fp_wait_record_own();
    if (waiting->repeated && woken)
        *waiting->repeated = (struct fp_repeated){0};
    else if (waiting->repeated)
        *waiting->repeated = (struct fp_repeated){.object = waiting->object,
                                                  .since = waiting->since,
                                                  .left = fp_milliseconds(),
                                                  .slices = waiting->slices,
                                                  .late_looks = waiting->late_looks,
                                                  .proofs = waiting->proofs,
                                                  .told = waiting->told,
                                                  .warned = waiting->warned,
                                                  .timers = waiting->timers,
                                                  .standstill = waiting->repeated->standstill};
    if (!record)
        return;
    atomic_store(&record->wait, 0);
    if (woken)
        atomic_fetch_add(&record->woken, 1);
}

void fp_waiting_look_once(struct fp_waiting *waiting)
{
    int saved = errno;
    fp_waiting_begin(waiting);
    fp_hang_look(waiting);
    errno = saved;
}

/*
 * Whether who waits for a condition has to look at the condition again. A signal that came when the
 * slice had run out is lost, but counted; one that the watch does not see (by a pointer from dlsym)
 * is found when nobody else is awake, or in time. Else nothing has changed: there is code that takes
 * any end of the wait for a signal (libjxl's pool). What remains: a signal between the count and
 * the next slice's beginning is seen at that slice's end.
 */
static bool may_have_changed(struct fp_waiting *waiting, enum fp_advance advance)
{
    enum { PATIENCE = 60000 }; /* milliseconds */
    unsigned signals = fp_signals_of(waiting->object), before = waiting->signals;
    waiting->signals = signals;
    return advance == FP_ADVANCE_EVALUATE || signals != before ||
           fp_milliseconds() - waiting->entered >= PATIENCE;
}

/* Whether the caller waits anew after a slice in vain. Python's locks ask for signals where a wait
   says EINTR, and wait on; that there is one is known to Python alone. */
static bool comes_again(struct fp_waiting *waiting, enum fp_advance advance)
{
    if (!waiting->repeated)
        return false;
    if (waiting->wait == FP_WAIT_CONDITION)
        return may_have_changed(waiting, advance);
    return fp_is_main_thread() && fp_handlers_interrupt() &&
           fp_break_of(waiting) == FP_BREAK_FOR_PYTHON;
}

/* libc first: what it answers at once, an error, too, is its answer. */
int fp_waiting_endure(struct fp_waiting *waiting, fp_wait_slice *slice)
{
    int error;
    enum fp_advance advance = FP_ADVANCE_WAIT;
    bool in_vain;
    fp_waiting_begin(waiting);
    do {
        struct timespec deadline = fp_waiting_next(waiting, CLOCK_MONOTONIC);
        error = slice(waiting, &deadline);
        if (error == ETIMEDOUT)
            advance = fp_hang_look(waiting);
        in_vain = error == ETIMEDOUT && advance <= FP_ADVANCE_EVALUATE;
    } while (in_vain && !comes_again(waiting, advance));
    fp_waiting_end(waiting, !in_vain);
    return advance == FP_ADVANCE_OVER ? 0 : advance == FP_ADVANCE_INTERRUPT ? EINTR : error;
}
