/* See wait_loop.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/wait_loop.h"

#include "shim/base/clock.h"
#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/hang/wait_record.h"
#include "shim/python/python.h"
#include "shim/watch/selector.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static void go_on_from(struct fp_waiting *waiting, const struct fp_repeated *before)
{
    if (!before || before->object != waiting->object)
        return;
    waiting->since = before->since;
    waiting->slices = before->slices;
    waiting->told = before->told;
    waiting->warned = before->warned;
}

void fp_waiting_begin(struct fp_waiting *waiting)
{
    struct fp_wait_record *record = fp_wait_record_own();
    fp_dispatch_resume();
    waiting->since = fp_milliseconds();
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
                                                  .slices = waiting->slices,
                                                  .told = waiting->told,
                                                  .warned = waiting->warned,
                                                  .standstill = waiting->repeated->standstill};
    if (!record)
        return;
    atomic_store(&record->wait, 0);
    if (woken)
        atomic_fetch_add(&record->woken, 1);
}

/* Threads whose slices end together would find each other awake, again and again. A prime: the main
   thread's record stands a power of two behind that of the first other thread. */
static unsigned out_of_step(const struct fp_wait_record *record)
{
    return (unsigned)((uintptr_t)record / sizeof *record % 17) * 29;
}

struct timespec fp_waiting_next(struct fp_waiting *waiting, clockid_t clock)
{
    static const unsigned short MILLISECONDS[] = {10, 50, 100, 200, 500, 1000};
    enum { LONGEST = sizeof MILLISECONDS / sizeof *MILLISECONDS - 1 };
    struct timespec at;
    unsigned slice = waiting->slices < LONGEST ? waiting->slices : LONGEST;
    waiting->slices++;
    struct fp_wait_record *record = fp_wait_record_own();
    unsigned milliseconds = MILLISECONDS[slice] + (slice == LONGEST ? out_of_step(record) : 0);
    clock_gettime(clock, &at);
    at.tv_nsec += milliseconds % 1000 * 1000000L;
    at.tv_sec += milliseconds / 1000 + at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    fp_wait_record_limit(&at);
    return at;
}

/* libc first: what it answers at once, an error, too, is its answer. */
int fp_waiting_endure(struct fp_waiting *waiting, fp_wait_slice *slice)
{
    int error;
    enum fp_advance advance = FP_ADVANCE_WAIT;
    fp_waiting_begin(waiting);
    do {
        struct timespec deadline = fp_waiting_next(waiting, CLOCK_MONOTONIC);
        error = slice(waiting, &deadline);
        if (error == ETIMEDOUT)
            advance = fp_hang_look(waiting);
    } while (error == ETIMEDOUT && advance == FP_ADVANCE_WAIT);
    fp_waiting_end(waiting, true);
    return advance == FP_ADVANCE_OVER ? 0 : advance == FP_ADVANCE_INTERRUPT ? EINTR : error;
}
