/* See real.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hooks/real.h"

#include <dlfcn.h>
#include <stddef.h>

struct fp_real fp_real;

#define STRING(name) #name
#define NAME(name) STRING(name)

static const struct {
    const char *name;
    size_t slot;
    enum fp_need need;
} HOOKS[] = {
#define FP_HOOK(type, name, parameters, need) \
    {NAME(name), offsetof(struct fp_real, name), FP_##need},
#include "shim/hooks/hooks.def"
#undef FP_HOOK
};

enum { HOOK_COUNT = sizeof HOOKS / sizeof *HOOKS };

static void **slot_of(size_t hook)
{
    return (void **)((char *)&fp_real + HOOKS[hook].slot);
}

/* The linker's bounds of this library. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

/* A lookup that comes back to ourselves (the shim loaded twice) would recurse for ever. */
static void *not_ours(void *found)
{
    return (const char *)found >= __ehdr_start && (const char *)found < _end ? NULL : found;
}

bool fp_real_resolve(enum fp_need last)
{
    bool complete = true;
    for (size_t hook = 0; hook < HOOK_COUNT; hook++) {
        if (HOOKS[hook].need > last)
            continue;
        /* Two threads may both look: they find and store the same address. */
        void **slot = slot_of(hook);
        if (!__atomic_load_n(slot, __ATOMIC_ACQUIRE)) {
            void *found = not_ours(dlsym(RTLD_NEXT, HOOKS[hook].name));
            __atomic_store_n(slot, found, __ATOMIC_RELEASE);
        }
        complete &= *slot || HOOKS[hook].need != FP_REQUIRED;
    }
    return complete;
}

void *fp_real_cxx_start_thread(const char *caller_path)
{
    static const char name[] = NAME(FP_CXX_START_THREAD);
    void **slot = (void **)&fp_real.FP_CXX_START_THREAD;
    void *found = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (found)
        return found;
    found = not_ours(dlsym(RTLD_NEXT, name));
    /* Python loads its extensions RTLD_LOCAL: look where the caller itself would have looked. */
    const char *const files[] = {caller_path, "libstdc++.so.6"};
    for (size_t i = 0; !found && i < sizeof files / sizeof *files; i++) {
        void *handle = dlopen(files[i], RTLD_NOLOAD | RTLD_LAZY);
        if (handle && fp_real.dlclose) {
            found = not_ours(dlsym(handle, name));
            fp_real.dlclose(handle); /* not by our hook, which stands upon this */
        }
    }
    __atomic_store_n(slot, found, __ATOMIC_RELEASE);
    return found;
}

void fp_real_each(void (*visit)(const char *name, const void *address, void *context),
                  void *context)
{
    for (size_t hook = 0; hook < HOOK_COUNT; hook++)
        visit(HOOKS[hook].name, *slot_of(hook), context);
}
