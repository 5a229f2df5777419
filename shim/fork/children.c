/* See children.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/fork/children.h"

#include "common/large.h"
#include "policy/decide.h"
#include "policy/signals.h"
#include "shim/base/child_section.h"
#include "shim/base/self.h"
#include "shim/python/python.h"
#include "shim/threads/origin.h"
#include "shim/threads/resolve.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"

#include <stdatomic.h>

enum { CHILDREN_MAX = 256, FREE = 0, BUSY = -1 };

/* The note of a place is its owner's alone while the place is BUSY. The first places and their
   notes are on one page: a page that is written after a fork is copied. */
FP_LARGE static struct {
    _Alignas(4096) _Atomic pid_t places[CHILDREN_MAX];
    struct fp_child_note notes[CHILDREN_MAX];
} children;
static atomic_uint count;
static atomic_uint next; /* whose note is given up for a new one, where all are taken */

FP_CHILD void fp_children_forget(void)
{
    if (!atomic_load(&count)) /* most forks write nothing */
        return;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        atomic_store(&children.places[i], FREE);
    atomic_store(&count, 0);
}

bool fp_children_any(void)
{
    return atomic_load_explicit(&count, memory_order_relaxed) != 0;
}

static size_t find(pid_t child)
{
    size_t place = 0;
    while (place < CHILDREN_MAX && atomic_load(&children.places[place]) != child)
        place++;
    return place;
}

bool fp_children_has(pid_t child)
{
    return child > 0 && find(child) < CHILDREN_MAX;
}

typedef bool fp_is_kept(uint32_t runtime);

/* How many threads of a runtime the child does without, where that may matter to it. */
static unsigned lost_of(uint32_t index, fp_is_kept *is_kept, enum fp_class *class)
{
    struct fp_runtime_entry *entry = fp_runtime_at(index);
    unsigned threads = atomic_load(&entry->live);
    if (threads && fp_self.slot && fp_self.slot->runtime == index)
        threads--; /* the forking thread goes on in the child */
    if (!threads || is_kept(index))
        return 0;
    struct fp_runtime runtime = fp_resolve_runtime(entry, threads);
    struct fp_judgement judgement = fp_resolve_judgement(&runtime);
    *class = judgement.class;
    return fp_judgement_watches(&judgement) ? threads : 0;
}

/* Those of a class, as many as there is room for. */
static void add_lost(struct fp_child_note *note, fp_is_kept *is_kept, enum fp_class wanted)
{
    uint32_t entries = fp_runtimes_count();
    for (uint32_t i = 0; i < entries && note->count < FP_CHILD_RUNTIMES; i++) {
        enum fp_class class = FP_CLASS_UNKNOWN;
        unsigned threads = lost_of(i, is_kept, &class);
        if (!threads || class != wanted)
            continue;
        note->lost[note->count].entry = i;
        note->lost[note->count++].threads = threads;
    }
}

/* A place that is BUSY from now on, or CHILDREN_MAX: somebody is at the one whose turn it is. */
static size_t take_place(void)
{
    for (size_t place = 0; place < CHILDREN_MAX; place++) {
        pid_t none = FREE;
        if (atomic_load(&children.places[place]) == FREE &&
            atomic_compare_exchange_strong(&children.places[place], &none, BUSY)) {
            atomic_fetch_add(&count, 1);
            return place;
        }
    }
    size_t place = atomic_fetch_add(&next, 1) % CHILDREN_MAX;
    pid_t before = atomic_exchange(&children.places[place], BUSY);
    if (before == FREE)
        atomic_fetch_add(&count, 1);
    return before == BUSY ? CHILDREN_MAX : place;
}

static void store(pid_t child, const struct fp_child_note *note)
{
    size_t place = take_place();
    if (place == CHILDREN_MAX)
        return; /* this child goes without a note */
    children.notes[place] = *note;
    atomic_store(&children.places[place], child);
}

void fp_children_note(pid_t child, fp_is_kept *is_kept)
{
    struct fp_child_note note;
    if (fp_children_any()) /* one of an earlier child of that number, which nobody saw end */
        fp_children_take(child, &note);
    note = (struct fp_child_note){.sent = 0};
    if (!fp_origin_next(&note.fork))
        return;
    struct fp_work work = fp_work_begin();
    add_lost(&note, is_kept, FP_CLASS_LOST);
    add_lost(&note, is_kept, FP_CLASS_UNKNOWN);
    add_lost(&note, is_kept, FP_CLASS_RESET);
    if (note.count) {
        fp_python_learn_handlers(); /* for the waits of wait_hooks.c */
        store(child, &note);
    }
    fp_work_end(work);
}

void fp_children_sent(pid_t child, int signal)
{
    if (signal < 1 || signal > 64)
        return;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        pid_t at = atomic_load(&children.places[i]);
        if (at > 0 && (!child || at == child))
            __atomic_fetch_or(&children.notes[i].sent, FP_SIGNAL_BIT(signal), __ATOMIC_RELAXED);
    }
}

bool fp_children_take(pid_t child, struct fp_child_note *note)
{
    size_t place = find(child);
    if (place == CHILDREN_MAX ||
        !atomic_compare_exchange_strong(&children.places[place], &child, BUSY))
        return false;
    *note = children.notes[place];
    atomic_store(&children.places[place], FREE);
    atomic_fetch_sub(&count, 1);
    return true;
}
