/* See wait_record.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/wait_record.h"

#include "common/large.h"
#include "shim/base/clock.h"
#include "shim/base/main_thread.h"
#include "shim/base/self.h"
#include "shim/threads/origin.h"
#include "shim/threads/table.h"

#include <unistd.h>

/* By the thread's slot; the last one is the main thread's. A thread without a slot has none: its
   slices look like what they are, waits with a limit, and nothing is proven beside it. */
FP_LARGE static struct fp_wait_record records[FP_THREADS_MAX + 1];

static FP_THREAD struct fp_wait_record *own;

struct fp_wait_record *fp_wait_record_own(void)
{
    if (!own) {
        if (fp_self.slot)
            own = &records[fp_table_index(fp_self.slot)];
        else if (fp_is_main_thread())
            own = &records[FP_THREADS_MAX];
    }
    return own;
}

void fp_wait_record_limit(const struct timespec *deadline)
{
    struct fp_wait_record *record = fp_wait_record_own();
    if (record)
        atomic_store(&record->deadline, fp_nanoseconds(deadline));
}

const struct fp_wait_record *fp_wait_record_of(pid_t tid)
{
    const struct fp_thread_slot *slot = fp_table_find(tid);
    if (slot)
        return &records[fp_table_index(slot)];
    return tid == getpid() ? &records[FP_THREADS_MAX] : NULL;
}

void fp_wait_record_reset(void)
{
    struct fp_wait_record *record = fp_origin_is_watched() ? fp_wait_record_own() : NULL;
    if (record)
        atomic_store(&record->wait, 0);
}
