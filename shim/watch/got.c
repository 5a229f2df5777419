/* See got.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/got.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/libraries/objects.h"

#include <dlfcn.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS_MAX = 8192, REGIONS_MAX = 1024 };

FP_LARGE static struct fp_slot slots[SLOTS_MAX];

/* The slots of region entries, with the function that was there before ours: it differs from
   library to library, and must outlive the next search. */
struct region {
    void **where;
    void *behind;
};
FP_LARGE static struct region regions[REGIONS_MAX];
static size_t region_count;

struct fp_got fp_got = {.slots = slots};

static atomic_flag searching = ATOMIC_FLAG_INIT;
static unsigned long long changes_seen; /* of the loaded libraries, at the last search */

static const char *const NAMES[FP_WATCHED_COUNT] = {
#define FP_WATCHED(name, in_every, in_lost) #name,
#include "shim/watch/watched.def"
#undef FP_WATCHED
#define FP_REGION(name, parameters, arguments, most) #name,
#include "shim/watch/omp_regions.def"
#undef FP_REGION
};

static void *real[FP_WATCHED_COUNT];

/*
 * libc's function as programs get it. Where a name has two versions RTLD_NEXT gives the older one
 * before glibc 2.36: conditions had another layout on x86-64 until 2.3.2. musl has no versions.
 */
extern __typeof(dlvsym) dlvsym __attribute__((weak));
static void *find_next(const char *name)
{
    static const char CONDITIONS[] = "pthread_cond_";
    bool has_two = dlvsym && strncmp(name, CONDITIONS, sizeof CONDITIONS - 1) == 0;
    void *newer = has_two ? dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2") : NULL;
    return newer ? newer : dlsym(RTLD_NEXT, name);
}

bool fp_got_init(void)
{
    fp_got.page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    /* Other libcs keep other things in their semaphores and mutexes. */
    if (!dlsym(RTLD_DEFAULT, "gnu_get_libc_version"))
        return false;
        /* What an old libc has not, no library calls. */
#define FP_WATCHED(name, in_every, in_lost) real[FP_WATCHED_##name] = find_next(#name);
#include "shim/watch/watched.def"
#undef FP_WATCHED
    return true;
}

FP_CHILD void *fp_got_real(enum fp_watched watched)
{
    return real[watched];
}

/* Half a million symbols pass here: the first letter tells most of them apart. */
static int find_name(const char *name)
{
    if (name[0] != 'p' && name[0] != 's' && name[0] != 'w' && name[0] != 'd' && name[0] != 'e' &&
        name[0] != 'G')
        return -1;
    for (int i = 0; i < FP_WATCHED_COUNT; i++)
        if (strcmp(NAMES[i], name) == 0)
            return i;
    return -1;
}

/* The linker's bounds of this library. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

struct scan {
    const struct fp_elf *elf;
    uint16_t object;
};

static bool is_ours(const void *function)
{
    return (uintptr_t)function - (uintptr_t)__ehdr_start < (uintptr_t)(_end - __ehdr_start);
}

/* False where the function behind is not known: not bound yet, or no room. */
static bool note_region(void **where, bool is_lazy)
{
    size_t i = 0;
    while (i < region_count && regions[i].where != where)
        i++;
    if (is_ours(*where))
        return i < region_count;
    if (is_lazy || i == REGIONS_MAX)
        return false;
    regions[i] = (struct region){where, *where};
    region_count += i == region_count;
    return true;
}

/*
 * A slot counts if it holds libc's function, ours, or nothing yet but the way to the lazy resolver,
 * which lies in the library itself. What holds another address has been given it by somebody else:
 * by another interposer, or by the version script of a program older than NPTL.
 */
static void visit_slot(void **where, const char *name, void *context)
{
    const struct scan *scan = context;
    int watched = find_name(name);
    if (watched < 0 || fp_got.slot_count == SLOTS_MAX)
        return;
    bool is_lazy = fp_object_holds(fp_object_at(scan->object), *where);
    bool is_missing =
        watched < FP_WATCHED_LIBC && !real[watched]; /* and asked for by a weak name */
    bool counts = watched >= FP_WATCHED_LIBC
                      ? note_region(where, is_lazy)
                      : !is_missing && (is_lazy || *where == real[watched] || is_ours(*where));
    if (counts)
        slots[fp_got.slot_count++] =
            (struct fp_slot){.where = where,
                             .object = scan->object,
                             .watched = (uint8_t)watched,
                             .is_protected = fp_elf_is_protected(scan->elf, where)};
}

static void visit_object(const struct fp_elf *elf, size_t place)
{
    const char *name = fp_elf_soname(elf);
    /* libc and the loader call themselves otherwise; our own calls are not to be watched. */
    bool skipped = elf->start == (uintptr_t)__ehdr_start || strcmp(name, "libc.so.6") == 0 ||
                   strncmp(name, "ld-linux", 8) == 0 || strncmp(name, "linux-vdso", 10) == 0;
    struct scan scan = {elf, (uint16_t)place};
    if (!skipped)
        fp_elf_each_slot(elf, visit_slot, &scan);
}

static void search(void)
{
    unsigned long long changes = fp_objects_changes();
    if (changes == changes_seen)
        return;
    fp_got.slot_count = 0;
    fp_objects_list(visit_object);
    changes_seen = changes;
}

bool fp_got_scan(void)
{
    enum { PATIENCE = 2000 }; /* a search takes some milliseconds at most */
    for (int tries = 0; atomic_flag_test_and_set(&searching); tries++) {
        if (tries == PATIENCE)
            return false;
        sched_yield();
    }
    search();
    atomic_flag_clear(&searching);
    return true;
}

bool fp_got_try_scan(void)
{
    if (atomic_flag_test_and_set(&searching))
        return false;
    search();
    atomic_flag_clear(&searching);
    return true;
}

FP_CHILD void fp_got_child(void)
{
    atomic_flag_clear(&searching);
}

void *fp_got_behind(enum fp_watched watched, const void *caller)
{
    const struct fp_object *object = fp_object_of(caller);
    for (size_t i = 0; object && i < fp_got.slot_count; i++)
        if (slots[i].watched == watched && fp_object_at(slots[i].object) == object)
            for (size_t k = 0; k < region_count; k++)
                if (regions[k].where == slots[i].where)
                    return regions[k].behind;
    return NULL;
}
