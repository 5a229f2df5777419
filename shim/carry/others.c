/* See others.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/others.h"

#include "shim/python/python.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"
#include "shim/threads/tasks.h"

#include <sys/resource.h>

static long switches(int of)
{
    struct rusage usage;
    getrusage(of, &usage);
    return usage.ru_nvcsw + usage.ru_nivcsw;
}

/* The forking thread may lose the processor between the calls; under strace it always does. */
long fp_others_switches(void)
{
    enum { TRIES = 8 };
    for (int i = 0; i < TRIES; i++) {
        long before = switches(RUSAGE_THREAD), all = switches(RUSAGE_SELF);
        if (switches(RUSAGE_THREAD) == before)
            return all - before;
    }
    return -1;
}

struct search {
    struct fp_party *party;
    bool of_python; /* alone: others do not matter */
    int thread;
};

static bool find(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct search *search = context;
    bool is_pythons = *fp_runtime_at(slot->runtime)->file;
    if (slot != fp_self.slot && !fp_party_member(search->party, slot->runtime) &&
        (is_pythons || !search->of_python))
        search->thread = fp_life_tid(life);
    return !search->thread;
}

/* Where all libraries are tried ones, Python code alone calls them, and the forking thread is the
   only one that can run such code, if Python knows no other. */
enum fp_uncarried fp_others_look(struct fp_party *party, int *thread)
{
    unsigned threads = 1, all = fp_tasks_count();
    struct search search = {party, true, 0};
    for (size_t i = 0; i < party->count; i++) {
        threads += party->members[i].outcome.threads;
        search.of_python &= party->members[i].is_tried;
    }
    *thread = 0;
    if (!all)
        return FP_UNCARRIED_KERNEL;
    if (all == threads || (search.of_python && fp_python_is_alone()))
        return FP_UNCARRIED_NONE;
    fp_table_each(find, &search);
    *thread = search.thread;
    return FP_UNCARRIED_OTHERS;
}
