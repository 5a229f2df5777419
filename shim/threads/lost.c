/* See lost.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/threads/lost.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/self.h"
#include "shim/threads/table.h"

#include <unistd.h>

FP_LARGE static struct fp_lost_thread threads[FP_LOST_MAX];
static size_t count;
static unsigned total; /* also those that had not run yet, and had no tid */

static void add(pid_t tid, uint32_t runtime)
{
    total++;
    if (tid && count < FP_LOST_MAX)
        threads[count++] = (struct fp_lost_thread){tid, runtime};
}

struct losing {
    const struct fp_forking_thread *forking;
    bool (*is_reset)(uint32_t runtime);
};

FP_CHILD static bool add_slot(struct fp_thread_slot *slot, fp_life life, void *context)
{
    const struct losing *losing = context;
    if (slot == fp_self.slot || losing->is_reset(slot->runtime))
        return true;
    add(fp_life_tid(life), slot->runtime);
    if (slot->creator == losing->forking->creator)
        atomic_fetch_add(&fp_runtime_at(slot->runtime)->workers_lost, 1);
    return true;
}

/* The kernel may have given a lost thread's tid to the thread that forked: what that tid owns is
   this process's own. */
FP_CHILD void fp_lost_child(void)
{
    if (!count)
        return;
    pid_t own = fp_self.slot ? fp_life_tid(fp_self.life) : getppid();
    for (size_t i = 0; i < count; i++)
        if (threads[i].tid == own)
            threads[i].tid = 0;
}

/* Teams of workers belong to the thread that started them: only that one waits for them. */
static void forget_workers(void)
{
    for (uint32_t i = 0; i < fp_runtimes_count(); i++)
        atomic_store(&fp_runtime_at(i)->workers_lost, 0);
}

FP_CHILD void fp_lost_note(const struct fp_forking_thread *forking,
                           bool (*is_reset)(uint32_t runtime))
{
    struct losing losing = {forking, is_reset};
    if (!forking->is_survivor)
        forget_workers();
    fp_table_each(add_slot, &losing);
    bool is_main = forking->creator == 0 || forking->creator == forking->process;
    if (!is_main && !fp_lost_find(forking->process))
        add(forking->process, FP_ENTRY_NONE);
}

size_t fp_lost_count(void)
{
    return count;
}

unsigned fp_lost_total(void)
{
    return total;
}

const struct fp_lost_thread *fp_lost_thread(size_t nth)
{
    return &threads[nth];
}

FP_CHILD const struct fp_lost_thread *fp_lost_find(pid_t tid)
{
    for (size_t i = count; i-- > 0;)
        if (threads[i].tid == tid)
            return &threads[i];
    return NULL;
}

/* strcmp lies on a page of libc's that each child would have to fault in. */
FP_CHILD static bool is_same(const char *one, const char *other)
{
    while (*one && *one == *other)
        one++, other++;
    return *one == *other;
}

FP_CHILD bool fp_lost_is_library(const char *dso)
{
    for (uint32_t i = 0; i < fp_runtimes_count(); i++) {
        const struct fp_runtime_entry *entry = fp_runtime_at(i);
        if (atomic_load(&entry->lost) && entry->dso && !*entry->file && is_same(entry->dso, dso))
            return true;
    }
    return false;
}
