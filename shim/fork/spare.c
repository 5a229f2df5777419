/*
 * Threads that no child misses, known by their names (`spare` in a policy file): a library that is
 * only imported may start one, and works in the child all the same. Names are read only of runtimes
 * that have such threads, until one of another name is met.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "shim/base/self.h"
#include "shim/fork/fork_context.h"
#include "shim/threads/table.h"

/* A thread that has not run yet has no name: it counts as one that is missed. */
static bool is_spare(const struct fp_runtime *runtime, int tid)
{
    char name[FP_COMM_SIZE] = "";
    if (tid)
        fp_census_name(tid, name);
    return fp_identity_spares(&runtime->identity, name);
}

static bool look_at_thread(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct fp_fork_context *at_fork = context;
    struct fp_snapshot *snapshot = &at_fork->snapshot;
    for (size_t i = 0; slot != fp_self.slot && i < snapshot->count; i++)
        if (at_fork->entries[i] == slot->runtime && snapshot->runtimes[i].spare)
            snapshot->runtimes[i].spare = is_spare(&snapshot->runtimes[i], fp_life_tid(life));
    return true;
}

void fp_spare_mark(struct fp_fork_context *at_fork)
{
    struct fp_snapshot *snapshot = &at_fork->snapshot;
    bool any = false;
    for (size_t i = 0; i < snapshot->count; i++)
        any |= snapshot->runtimes[i].spare =
            fp_identity_has_spares(&snapshot->runtimes[i].identity);
    if (any)
        fp_table_each(look_at_thread, at_fork);
}
