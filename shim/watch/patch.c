/*
 * See patch.h. The libraries that a watched child loads later are led through the watch, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/watch/patch.h"

#include "shim/base/child_section.h"
#include "shim/base/kernel.h"
#include "shim/base/self.h"
#include "shim/libraries/objects.h"
#include "shim/libraries/probe.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"
#include "shim/watch/got.h"
#include "shim/watch/watched.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    void *in_every, *in_lost;
} REPLACEMENTS[FP_WATCHED_COUNT] = {
#define FP_WATCHED(name, in_every, in_lost) {(void *)(in_every), (void *)(in_lost)},
#include "shim/watch/watched.def"
#undef FP_WATCHED
#define FP_GIL_CALL(type, name, parameters) {(void *)fp_watched_##name, NULL},
#include "shim/watch/gil_calls.def"
#undef FP_GIL_CALL
#define FP_REGION(name, parameters, arguments, most) {(void *)fp_watched_##name, NULL},
#include "shim/watch/omp_regions.def"
#undef FP_REGION
};

/* Of each library, a bit: whether it is the code of a runtime that was lost. */
static uint64_t lost_objects[FP_OBJECTS_MAX / 64];
_Static_assert(FP_OBJECTS_MAX % 64 == 0, "bits are left over");

static uintptr_t page_size;

void fp_patch_init(void)
{
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
}

/* The page that is looked at, of which one writes several slots. */
struct page {
    uintptr_t start, size;
    bool can_read, can_write;
    bool is_open; /* was read-only, and is to be so again */
};

FP_CHILD static long protect(const struct page *page, int protection)
{
    return fp_kernel(SYS_mprotect, (long)page->start, (long)page->size, protection, 0, 0, 0);
}

FP_CHILD static void close_page(struct page *page)
{
    if (page->is_open)
        protect(page, PROT_READ);
    page->is_open = false;
}

FP_CHILD static void turn_to(struct page *page, void **where)
{
    uintptr_t start = (uintptr_t)where & -page->size;
    if (start == page->start)
        return;
    close_page(page);
    page->start = start;
    page->can_read = fp_probe_read(where);
    page->can_write = false;
}

/* What the loader has made read-only is opened; what somebody else has, is left alone. */
FP_CHILD static bool open_page(struct page *page, const struct fp_slot *slot)
{
    page->can_write = page->can_write || fp_probe_write(slot->where);
    if (page->can_write || !slot->is_protected)
        return page->can_write;
    page->is_open = page->can_write = protect(page, PROT_READ | PROT_WRITE) == 0;
    return page->can_write;
}

FP_CHILD static bool is_lost(size_t object)
{
    return lost_objects[object / 64] >> object % 64 & 1;
}

FP_CHILD static void point(struct page *page, const struct fp_slots *slots,
                           const struct fp_slot *slot)
{
    void *used = REPLACEMENTS[slot->watched].in_lost, *every = REPLACEMENTS[slot->watched].in_every;
    void *function = used && is_lost(slot->object) ? used : every;
    turn_to(page, slot->where);
    void *held = page->can_read ? __atomic_load_n(slot->where, __ATOMIC_RELAXED) : function;
    if (!function || held == function)
        return;
    bool is_ours = held && (held == used || held == every);
    /* Other threads of the child may call through it, where a library came later. */
    if ((is_ours || fp_got_may_write(slots, slot)) && open_page(page, slot))
        __atomic_store_n(slot->where, function, __ATOMIC_RELEASE);
}

FP_CHILD void fp_patch_child(void)
{
    struct fp_slots slots = fp_got_slots();
    struct page page = {.size = page_size};
    for (size_t i = 0; i < fp_objects_count(); i++)
        if (is_lost(i) != fp_lost_is_library(fp_object_at(i)->name)) /* most are not */
            lost_objects[i / 64] ^= UINT64_C(1) << i % 64;
    for (size_t i = 0; i < slots.count; i++)
        if (!fp_got_takes_gil(slots.slots[i].watched) || fp_origin_awaits_gil())
            point(&page, &slots, &slots.slots[i]);
    close_page(&page);
}

static void point_back(struct page *page, const struct fp_slot *slot)
{
    void *function = fp_got_real(slot->watched);
    turn_to(page, slot->where);
    void *held = page->can_read ? __atomic_load_n(slot->where, __ATOMIC_RELAXED) : NULL;
    bool is_ours = held && (held == REPLACEMENTS[slot->watched].in_lost ||
                            held == REPLACEMENTS[slot->watched].in_every);
    if (is_ours && open_page(page, slot))
        __atomic_store_n(slot->where, function ? function : slot->found, __ATOMIC_RELEASE);
}

void fp_patch_undo(void)
{
    struct fp_slots slots = fp_got_slots();
    struct page page = {.size = page_size};
    for (size_t i = 0; i < slots.count; i++)
        point_back(&page, &slots.slots[i]);
    close_page(&page);
}

/*
 * The loader searches a name without a slash, and "$ORIGIN", as the caller's own library says: for
 * them it must see the caller, and the library is found at the next such call or fork.
 */
void *fp_watched_dlopen(const char *path, int mode)
{
    void *(*real)(const char *, int);
    *(void **)&real = fp_got_real(FP_WATCHED_dlopen);
    if (!path || !strchr(path, '/') || strchr(path, '$') || fp_self.inside)
        return real(path, mode);
    void *library = real(path, mode);
    struct fp_work work = fp_work_begin();
    /* Where another thread has just loaded a library it does it for both, or the next one does. */
    if (library)
        fp_got_scan_and(fp_patch_child);
    fp_work_end(work);
    return library;
}
