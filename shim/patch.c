/*
 * Child room: the slots of the child's libraries are pointed to the watch. Runs in the forked
 * child before any code of the host's, and later where the child loads a library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/got.h"
#include "shim/lost.h"
#include "shim/watched.h"

#include <stdatomic.h>
#include <sys/mman.h>

static const struct {
    void *in_every, *in_lost;
} REPLACEMENTS[FP_WATCHED_COUNT] = {
#define FP_WATCHED(name, in_every, in_lost) {(void *)(in_every), (void *)(in_lost)},
#include "shim/watched.def"
#undef FP_WATCHED
#define FP_REGION(name, parameters, arguments, most) {(void *)fp_watched_##name, NULL},
#include "shim/regions.def"
#undef FP_REGION
};

static const uintptr_t NO_PAGE = 1;

/* Opens the page of a slot for writing, and closes the one that is open; true if it can be written.
 */
static bool open_page(uintptr_t *open, const struct fp_slot *slot)
{
    uintptr_t page = slot ? (uintptr_t)slot->where & -fp_got.page_size : NO_PAGE;
    if (slot && (!slot->is_protected || page == *open))
        return true;
    if (*open != NO_PAGE)
        mprotect((void *)*open, fp_got.page_size, PROT_READ);
    *open = NO_PAGE;
    if (!slot || mprotect((void *)page, fp_got.page_size, PROT_READ | PROT_WRITE) != 0)
        return false;
    *open = page;
    return true;
}

void fp_got_patch(void)
{
    uintptr_t open = NO_PAGE;
    for (size_t i = 0; i < fp_got.object_count; i++)
        fp_got.objects[i].is_lost = fp_lost_is_library(fp_got.objects[i].name);
    for (size_t i = 0; i < fp_got.slot_count; i++) {
        const struct fp_slot *slot = &fp_got.slots[i];
        void *used = REPLACEMENTS[slot->watched].in_lost;
        void *function = used && fp_got.objects[slot->object].is_lost
                             ? used
                             : REPLACEMENTS[slot->watched].in_every;
        /* Other threads of the child may call through it, where a library came later. */
        if (function && *slot->where != function && open_page(&open, slot))
            __atomic_store_n(slot->where, function, __ATOMIC_RELEASE);
    }
    open_page(&open, NULL);
}
