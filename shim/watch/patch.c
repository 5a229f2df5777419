/*
 * See patch.h. The libraries that a watched child loads later are led through the watch, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/watch/patch.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/self.h"
#include "shim/libraries/objects.h"
#include "shim/threads/lost.h"
#include "shim/watch/got.h"
#include "shim/watch/watched.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

static const struct {
    void *in_every, *in_lost;
} REPLACEMENTS[FP_WATCHED_COUNT] = {
#define FP_WATCHED(name, in_every, in_lost) {(void *)(in_every), (void *)(in_lost)},
#include "shim/watch/watched.def"
#undef FP_WATCHED
#define FP_REGION(name, parameters, arguments, most) {(void *)fp_watched_##name, NULL},
#include "shim/watch/omp_regions.def"
#undef FP_REGION
};

/* Whether a library is the code of a runtime that was lost. */
FP_LARGE static bool is_lost[FP_OBJECTS_MAX];

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

FP_CHILD void fp_patch_child(void)
{
    uintptr_t open = NO_PAGE;
    for (size_t i = 0; i < fp_objects_count(); i++)
        is_lost[i] = fp_lost_is_library(fp_object_at(i)->name);
    for (size_t i = 0; i < fp_got.slot_count; i++) {
        const struct fp_slot *slot = &fp_got.slots[i];
        void *used = REPLACEMENTS[slot->watched].in_lost;
        void *function =
            used && is_lost[slot->object] ? used : REPLACEMENTS[slot->watched].in_every;
        /* Other threads of the child may call through it, where a library came later. */
        if (function && *slot->where != function && open_page(&open, slot))
            __atomic_store_n(slot->where, function, __ATOMIC_RELEASE);
    }
    open_page(&open, NULL);
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
    if (library && fp_got_try_scan())
        fp_patch_child();
    fp_work_end(work);
    return library;
}
