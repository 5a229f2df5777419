/* See wanted.h, and carry.h for threads. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/wanted.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/config.h"
#include "shim/carry/carry.h"
#include "shim/carry/libc.h"
#include "shim/carry/slots.h"
#include "shim/carry/waits.h"
#include "shim/libraries/loader_list.h"
#include "shim/threads/origin.h"
#include "shim/threads/resolve.h"
#include "shim/threads/runtimes.h"
#include "shim/watch/got.h"

/* What was found out when its first thread started. */
enum standing { NOT_ASKED, NOT_WANTED, BEING_ASKED, WANTED, WITHOUT_SLOTS, WITHOUT_ARENA };

FP_LARGE static _Atomic unsigned char standings[FP_ENTRIES_MAX];

/* How many libraries had been closed when its slots were pointed: it may have been loaded again. */
FP_LARGE static _Atomic unsigned long closes_seen[FP_ENTRIES_MAX];

enum fp_uncarried fp_carry_init(void)
{
    enum fp_uncarried reason = fp_libc_init();
    if (reason == FP_UNCARRIED_NONE && !(fp_got_init() && fp_waits_init()))
        reason = FP_UNCARRIED_LIBC;
    return reason;
}

static bool is_tried(struct fp_runtime_entry *entry)
{
    const struct fp_resolved *resolved = fp_resolve(entry);
    return fp_carry_is_tried(&resolved->identity, resolved->facts.version);
}

/* By name, or as one that is tried, and that children need. */
static bool is_asked_for(struct fp_runtime_entry *entry)
{
    struct fp_runtime runtime = fp_resolve_runtime(entry, 0);
    return entry->dso && !*entry->file && runtime.identity.asked == FP_ACTION_CARRY &&
           !runtime.registered &&
           (runtime.identity.by_pattern ||
            (is_tried(entry) && fp_resolve_judgement(&runtime).class == FP_CLASS_LOST));
}

static enum standing find_standing(struct fp_runtime_entry *entry, fp_thread_create *create)
{
    if (!is_asked_for(entry))
        return NOT_WANTED;
    if (!fp_slots_point(entry->dso))
        return WITHOUT_SLOTS;
    return fp_libc_find_arena(create) ? WANTED : WITHOUT_ARENA;
}

/* A thread that starts while another one asks gets a point, too: it is seen whether it waits. */
static void ask(uint32_t runtime, fp_thread_create *create)
{
    unsigned char standing = NOT_ASKED;
    struct fp_runtime_entry *entry = fp_runtime_at(runtime);
    unsigned long closes = fp_list_closes(), seen = atomic_exchange(&closes_seen[runtime], closes);
    if (atomic_compare_exchange_strong(&standings[runtime], &standing, BEING_ASKED))
        atomic_store(&standings[runtime], (unsigned char)find_standing(entry, create));
    else if (standing == WANTED && seen != closes)
        fp_slots_point(entry->dso);
}

bool fp_wanted(uint32_t runtime)
{
    return atomic_load(&standings[runtime]) > NOT_WANTED;
}

bool fp_wanted_is_tried(uint32_t runtime)
{
    return is_tried(fp_runtime_at(runtime));
}

enum fp_uncarried fp_wanted_hindrance(uint32_t runtime)
{
    struct fp_runtime_entry *entry = fp_runtime_at(runtime);
    switch (atomic_load(&standings[runtime])) {
    case WANTED:
        return atomic_load(&entry->lost)                           ? FP_UNCARRIED_LOST
               : atomic_load(&entry->handlers) && !is_tried(entry) ? FP_UNCARRIED_HANDLERS
                                                                   : FP_UNCARRIED_NONE;
    case WITHOUT_ARENA:
        return FP_UNCARRIED_LIBC;
    case BEING_ASKED:
        return FP_UNCARRIED_STARTING;
    default:
        return FP_UNCARRIED_SLOTS;
    }
}

static bool has_foreign_stack(const pthread_attr_t *attributes)
{
    void *stack = NULL;
    size_t size = 0;
    return attributes && pthread_attr_getstack(attributes, &stack, &size) == 0 &&
           (uintptr_t)stack + size != 0 && stack;
}

/* In a watched child waits are the watch's, but for libraries whose threads came along. */
static bool is_watched(uint32_t runtime)
{
    return fp_origin_is_watched() && (atomic_load(&standings[runtime]) != WANTED ||
                                      atomic_load(&fp_runtime_at(runtime)->lost));
}

void fp_carry_claim(const struct fp_thread_slot *slot, const pthread_attr_t *attributes,
                    fp_thread_create *create)
{
    struct fp_point *point = fp_point_of(slot);
    if (!fp_config.carries)
        return;
    atomic_store(&point->state, FP_POINT_NONE);
    if (is_watched(slot->runtime))
        return;
    ask(slot->runtime, create);
    *point = (struct fp_point){.wait = fp_wait_here, .resume = fp_wait_again};
    point->has_foreign_stack = has_foreign_stack(attributes);
    point->is_tried = fp_wanted(slot->runtime) && fp_wanted_is_tried(slot->runtime);
    atomic_store(&point->state, fp_wanted(slot->runtime) ? FP_POINT_STARTING : FP_POINT_NONE);
}

void fp_carry_arrive(const struct fp_thread_slot *slot)
{
    struct fp_point *point = fp_point_of(slot);
    if (!fp_config.carries || atomic_load(&point->state) != FP_POINT_STARTING)
        return;
    point->descriptor = (char *)pthread_self();
    fp_point_own = point;
    atomic_store(&point->state, FP_POINT_RUNS);
}

FP_CHILD void fp_carry_leave(void)
{
    if (!fp_point_own)
        return;
    atomic_store(&fp_point_own->state, FP_POINT_NONE);
    fp_point_own = NULL;
}
