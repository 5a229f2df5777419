/* See wait_loop.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/wait_loop.h"

#include "shim/base/clock.h"
#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/hang/wait_record.h"
#include "shim/python/python.h"
#include "shim/threads/census.h"
#include "shim/threads/table.h"
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
}

void fp_waiting_begin(struct fp_waiting *waiting)
{
    struct fp_wait_record *record = fp_wait_record_own();
    fp_dispatch_resume();
    waiting->since = fp_milliseconds();
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
                                                  .standstill = waiting->repeated->standstill};
    if (!record)
        return;
    atomic_store(&record->wait, 0);
    if (woken)
        atomic_fetch_add(&record->woken, 1);
}

struct timespec fp_waiting_next(struct fp_waiting *waiting, clockid_t clock)
{
    static const unsigned short MILLISECONDS[] = {20, 50, 100, 200, 500, 1000};
    enum { LONGEST = sizeof MILLISECONDS / sizeof *MILLISECONDS - 1 };
    struct timespec at;
    unsigned slice = waiting->slices < LONGEST ? waiting->slices : LONGEST;
    waiting->slices++;
    clock_gettime(clock, &at);
    at.tv_nsec += MILLISECONDS[slice] % 1000 * 1000000L;
    at.tv_sec += MILLISECONDS[slice] / 1000 + at.tv_nsec / 1000000000L;
    at.tv_nsec %= 1000000000L;
    return at;
}

bool fp_waiting_is_alone(void)
{
    return fp_active && fp_table_threads() == 1 && fp_census_count() == 1;
}

int fp_waiting_endure(struct fp_waiting *waiting, fp_wait_slice *slice)
{
    int error = ETIMEDOUT;
    fp_waiting_begin(waiting);
    bool looks_first = fp_waiting_is_alone();
    while (error == ETIMEDOUT) {
        enum fp_advance advance =
            looks_first || waiting->slices ? fp_hang_look(waiting) : FP_ADVANCE_WAIT;
        if (advance == FP_ADVANCE_WAIT) {
            struct timespec deadline = fp_waiting_next(waiting, CLOCK_MONOTONIC);
            error = slice(waiting, &deadline);
        } else {
            error = advance == FP_ADVANCE_OVER ? 0 : EINTR;
        }
    }
    fp_waiting_end(waiting, true);
    return error;
}
