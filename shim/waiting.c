/* See waiting.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/waiting.h"

#include "common/large.h"
#include "shim/census.h"
#include "shim/dispatch.h"
#include "shim/hang.h"
#include "shim/python.h"
#include "shim/self.h"
#include "shim/table.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* By the thread's slot; the last one is the main thread's. A thread without a slot has none: its
   slices look like what they are, waits with a limit, and nothing is proven beside it. */
FP_LARGE static struct fp_wait_record records[FP_THREADS_MAX + 1];

static struct fp_wait_record *own_record(void)
{
    if (!fp_self.waiting) {
        if (fp_self.slot)
            fp_self.waiting = &records[fp_table_index(fp_self.slot)];
        else if (syscall(SYS_gettid) == getpid())
            fp_self.waiting = &records[FP_THREADS_MAX];
    }
    return fp_self.waiting;
}

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
    struct fp_wait_record *record = own_record();
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
    struct fp_wait_record *record = fp_self.waiting;
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

void fp_waiting_reset(void)
{
    struct fp_wait_record *record = fp_watch_is_on() ? own_record() : NULL;
    if (record)
        atomic_store(&record->wait, 0);
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
    return fp_table_threads() == 1 && fp_census_count() == 1;
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

const struct fp_wait_record *fp_wait_record_of(pid_t tid)
{
    const struct fp_thread_slot *slot = fp_table_find(tid);
    if (slot)
        return &records[fp_table_index(slot)];
    return tid == getpid() ? &records[FP_THREADS_MAX] : NULL;
}
