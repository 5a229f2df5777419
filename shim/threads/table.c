/* See table.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/threads/table.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/self.h"
#include "shim/threads/runtimes.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GENERATION_SHIFT = 34 };

FP_LARGE static struct fp_thread_slot slots[FP_THREADS_MAX];

/* Low half: index + 1 of the first free slot; high half: a tag, so that a slot taken and given
   back between another thread's load and exchange is noticed. */
static _Atomic uint64_t free_list;
static _Atomic uint32_t high_water; /* slots from here on were never used in this epoch */
static _Atomic unsigned live;
static _Atomic bool bypassed;
static _Atomic unsigned starts;
static uint32_t epoch;                  /* changes only in a forked child, which has one thread */
static struct fp_thread_slot *survivor; /* the forking thread's own slot in this epoch */

static struct fp_thread_slot *pop_free(void)
{
    uint64_t head = atomic_load(&free_list);
    while ((uint32_t)head) {
        struct fp_thread_slot *slot = &slots[(uint32_t)head - 1];
        uint64_t next = ((head >> 32) + 1) << 32 | atomic_load(&slot->next);
        if (atomic_compare_exchange_weak(&free_list, &head, next))
            return slot;
    }
    uint32_t index;
    do {
        index = atomic_load(&high_water);
        if (index == FP_THREADS_MAX)
            return NULL;
    } while (!atomic_compare_exchange_weak(&high_water, &index, index + 1) ||
             &slots[index] == survivor);
    return &slots[index];
}

FP_CHILD static void push_free(struct fp_thread_slot *slot)
{
    uint64_t head = atomic_load(&free_list), next;
    do {
        atomic_store(&slot->next, (uint32_t)head);
        next = ((head >> 32) + 1) << 32 | (uint64_t)(slot - slots + 1);
    } while (!atomic_compare_exchange_weak(&free_list, &head, next));
}

static FP_THREAD bool is_main;

FP_CHILD void fp_table_note_main(void)
{
    is_main = true;
}

int fp_table_creator(void)
{
    if (fp_self.slot)
        return fp_life_tid(fp_self.life);
    return is_main ? 0 : -1;
}

struct fp_thread_slot *fp_table_claim(uint32_t runtime, void *routine, void *argument)
{
    atomic_fetch_add(&starts, 1);
    struct fp_thread_slot *slot = pop_free();
    if (!slot) {
        fp_table_note_bypass();
        return NULL;
    }
    /* The life that a lost thread led here is over before the slot counts as one of this epoch. */
    fp_life generation = ((atomic_load(&slot->life) >> GENERATION_SHIFT) + 1) << GENERATION_SHIFT;
    atomic_store(&slot->life, generation | FP_THREAD_FREE);
    atomic_store_explicit(&slot->epoch, epoch, memory_order_release); /* pairs with visit_in_use */
    slot->runtime = runtime;
    slot->creator = fp_table_creator();
    slot->routine = routine;
    slot->argument = argument;
    atomic_fetch_add(&live, 1);
    fp_runtime_add(runtime);
    atomic_store_explicit(&slot->life, generation | FP_THREAD_STARTING, memory_order_release);
    return slot;
}

/* Goes on with the slot's generation under the calling thread's tid. */
FP_CHILD static void live_here(struct fp_thread_slot *slot)
{
    fp_life generation = atomic_load(&slot->life) >> GENERATION_SHIFT << GENERATION_SHIFT;
    fp_life tid = (uint32_t)syscall(SYS_gettid);
    fp_self.slot = slot;
    fp_self.life = generation | tid << 2 | FP_THREAD_LIVE;
    atomic_store_explicit(&slot->life, fp_self.life, memory_order_release);
}

void fp_table_enter(struct fp_thread_slot *slot)
{
    live_here(slot);
}

void fp_table_leave(struct fp_thread_slot *slot, fp_life life)
{
    fp_life ended = life >> GENERATION_SHIFT << GENERATION_SHIFT | FP_THREAD_FREE;
    if (slot->epoch != epoch || fp_life_state(life) == FP_THREAD_FREE ||
        !atomic_compare_exchange_strong(&slot->life, &life, ended))
        return;
    atomic_fetch_sub(&live, 1);
    fp_runtime_remove(slot->runtime);
    push_free(slot);
}

struct carried {
    bool (*is_carried)(uint32_t runtime);
    uint32_t end; /* of their slots */
};

/* The slot goes over to the next epoch. */
FP_CHILD static bool keep_slot(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct carried *carried = context;
    if (slot == fp_self.slot || fp_life_state(life) != FP_THREAD_LIVE ||
        !carried->is_carried(slot->runtime))
        return true;
    uint32_t end = (uint32_t)(slot - slots) + 1;
    carried->end = end > carried->end ? end : carried->end;
    slot->epoch = epoch + 1;
    return true;
}

/* What lies between carried slots is free. */
FP_CHILD static void begin_epoch(uint32_t end)
{
    epoch++;
    atomic_store(&free_list, 0);
    atomic_store(&high_water, end);
    for (uint32_t i = 0; i < end; i++) {
        if (&slots[i] == survivor)
            continue;
        if (slots[i].epoch == epoch) {
            atomic_fetch_add(&live, 1);
            fp_runtime_keep(slots[i].runtime);
        } else {
            push_free(&slots[i]);
        }
    }
}

FP_CHILD void fp_table_child(bool (*is_carried)(uint32_t runtime))
{
    struct fp_thread_slot *slot = fp_self.slot;
    struct carried carried = {is_carried, 0};
    if (slot && atomic_load(&slot->life) != fp_self.life)
        slot = NULL; /* it ended by a census of ours, in a child that no hook saw */
    if (!is_main)
        fp_table_note_main();
    if (is_carried)
        fp_table_each(keep_slot, &carried);
    atomic_store(&live, slot ? 1U : 0U);
    fp_runtimes_child(slot ? slot->runtime : FP_ENTRY_NONE);
    survivor = slot;
    begin_epoch(carried.end);
    if (slot) {
        slot->epoch = epoch;
        live_here(slot);
    }
}

/* glibc >= 2.32 keeps it; found in owners.c, so that other libcs need not have it. */
extern const char *fp_libc_single_threaded;

FP_CHILD bool fp_table_ever_threaded(void)
{
    return atomic_load_explicit(&bypassed, memory_order_relaxed) ||
           atomic_load_explicit(&high_water, memory_order_relaxed) || survivor ||
           (fp_libc_single_threaded && !*fp_libc_single_threaded);
}

void fp_table_note_bypass(void)
{
    atomic_fetch_add(&starts, 1);
    atomic_store_explicit(&bypassed, true, memory_order_relaxed);
}

unsigned fp_table_starts(void)
{
    return atomic_load(&starts);
}

unsigned fp_table_threads(void)
{
    /* The main thread has a slot only in a child that another thread forked. */
    return atomic_load(&live) + (survivor ? 0U : 1U);
}

static bool visit_in_use(struct fp_thread_slot *slot,
                         bool (*visit)(struct fp_thread_slot *slot, fp_life life, void *context),
                         void *context)
{
    if (atomic_load_explicit(&slot->epoch, memory_order_acquire) != epoch)
        return true;
    fp_life life = atomic_load_explicit(&slot->life, memory_order_acquire);
    return fp_life_state(life) == FP_THREAD_FREE || visit(slot, life, context);
}

FP_CHILD void fp_table_each(bool (*visit)(struct fp_thread_slot *slot, fp_life life, void *context),
                            void *context)
{
    uint32_t used = atomic_load(&high_water);
    for (uint32_t i = 0; i < used; i++)
        if (&slots[i] != survivor && !visit_in_use(&slots[i], visit, context))
            return;
    if (survivor)
        visit_in_use(survivor, visit, context);
}

FP_CHILD size_t fp_table_index(const struct fp_thread_slot *slot)
{
    return (size_t)(slot - slots);
}

struct search {
    int tid;
    struct fp_thread_slot *found;
};

static bool is_sought(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct search *search = context;
    if (fp_life_tid(life) == search->tid)
        search->found = slot;
    return !search->found;
}

struct fp_thread_slot *fp_table_find(int tid)
{
    struct search search = {tid, NULL};
    fp_table_each(is_sought, &search);
    return search.found;
}
