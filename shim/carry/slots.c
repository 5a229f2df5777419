/* See slots.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/slots.h"

#include "shim/carry/waits.h"
#include "shim/libraries/objects.h"
#include "shim/watch/got.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CXX_WAIT "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE"

static const struct wait {
    const char *name;
    void *ours;
    enum fp_watched real;
} WAITS[] = {
#define FP_WAIT_POINT(KIND, object, function, ...) \
    {#function, (void *)fp_carried_##function, FP_WATCHED_##function},
#include "shim/carry/waits.def"
#undef FP_WAIT_POINT
    {"syscall", (void *)fp_carried_syscall, FP_WATCHED_syscall},
    {CXX_WAIT, (void *)fp_carried_cxx_wait, FP_WATCHED_COUNT},
};

struct search {
    const struct fp_object *object;
    const struct fp_elf *elf;
    unsigned pointed;
};

static void *real_of(const struct wait *wait)
{
    return wait->real == FP_WATCHED_COUNT ? dlsym(RTLD_DEFAULT, wait->name)
                                          : fp_got_real(wait->real);
}

/* What is read-only since the library was relocated is so again afterwards. */
static bool write_slot(const struct fp_elf *elf, void **where, void *function)
{
    uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *page = (void *)((uintptr_t)where & -size);
    bool is_protected = fp_elf_is_protected(elf, where);
    if (is_protected && mprotect(page, size, PROT_READ | PROT_WRITE) != 0)
        return false;
    __atomic_store_n(where, function, __ATOMIC_RELEASE);
    if (is_protected)
        mprotect(page, size, PROT_READ);
    return true;
}

/* A slot that holds neither libc's function nor the way to the resolver is somebody else's. */
static void point(struct search *search, const struct fp_elf_slot *slot, const struct wait *wait)
{
    void *held = __atomic_load_n(slot->where, __ATOMIC_RELAXED), *real = real_of(wait);
    if (held == wait->ours) {
        search->pointed++;
        return;
    }
    if (!real || (held != real && !fp_object_holds(search->object, held)))
        return;
    if (wait->ours == (void *)fp_carried_cxx_wait)
        fp_waits_set_cxx(real);
    search->pointed += write_slot(search->elf, slot->where, wait->ours);
}

static void visit(const struct fp_elf_slot *slot, void *context)
{
    for (size_t i = 0; i < sizeof WAITS / sizeof *WAITS; i++)
        if (strcmp(slot->name, WAITS[i].name) == 0)
            point(context, slot, &WAITS[i]);
}

bool fp_slots_point(const char *dso)
{
    struct fp_elf elf;
    fp_got_scan();
    const struct fp_object *object = fp_object_named(dso);
    if (!object || !fp_object_read(object, &elf))
        return false;
    struct search search = {object, &elf, 0};
    fp_elf_each_slot(&elf, visit, &search);
    return search.pointed > 0;
}
