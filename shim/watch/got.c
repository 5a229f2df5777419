/* See got.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/got.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/libraries/loader_list.h"
#include "shim/libraries/objects.h"
#include "shim/python/python.h"

#include <dlfcn.h>
#include <string.h>

enum { SLOTS_MAX = 8192 };

struct table {
    size_t count;
    unsigned long closes; /* of libraries, when it was made */
    struct fp_slot slots[SLOTS_MAX];
};

/* One for each of the two lists of libraries (fp_objects_turn). */
FP_LARGE static struct table tables[2];

static unsigned long long changes_seen; /* of the loaded libraries, in the last table */

static const char *const NAMES[FP_WATCHED_COUNT] = {
#define FP_WATCHED(name, in_every, in_lost) #name,
#include "shim/watch/watched.def"
#undef FP_WATCHED
#define FP_GIL_CALL(type, name, parameters) #name,
#include "shim/watch/gil_calls.def"
#undef FP_GIL_CALL
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
    /* Other libcs keep other things in their semaphores and mutexes. */
    if (!dlsym(RTLD_DEFAULT, "gnu_get_libc_version"))
        return false;
        /* What an old libc has not, no library calls. */
#define FP_WATCHED(name, in_every, in_lost) real[FP_WATCHED_##name] = find_next(#name);
#include "shim/watch/watched.def"
#undef FP_WATCHED
#define FP_GIL_CALL(type, name, parameters) \
    real[FP_WATCHED_##name] = fp_python_function(#name);
#include "shim/watch/gil_calls.def"
#undef FP_GIL_CALL
    return true;
}

FP_CHILD void *fp_got_real(enum fp_watched watched)
{
    return real[watched];
}

/* Half a million symbols pass here: the first letter tells most of them apart. */
static bool begins_a_name(char letter)
{
    static uint64_t letters[4];
    unsigned char byte = (unsigned char)letter;
    if (!letters[0] && !letters[1])
        for (int i = 0; i < FP_WATCHED_COUNT; i++)
            letters[(unsigned char)NAMES[i][0] / 64] |= 1ULL << (unsigned char)NAMES[i][0] % 64;
    return letters[byte / 64] >> byte % 64 & 1;
}

static int find_name(const char *name)
{
    for (int i = 0; begins_a_name(name[0]) && i < FP_WATCHED_COUNT; i++)
        if (NAMES[i][0] == name[0] && strcmp(NAMES[i], name) == 0)
            return i;
    return -1;
}

/* The linker's bounds of this library. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

static bool is_ours(const void *function)
{
    return (uintptr_t)function - (uintptr_t)__ehdr_start < (uintptr_t)(_end - __ehdr_start);
}

struct scan {
    const struct fp_object *object;
    const struct fp_elf *elf;
    uint16_t place;
    struct table *table;
    const struct table *last;
    size_t *at; /* in the last table: most libraries stand there in the same order */
};

/* What the last table has of this slot, or NULL. */
static const struct fp_slot *find_last(const struct scan *scan, void **where)
{
    for (size_t i = 0; i < scan->last->count; i++, (*scan->at)++) {
        if (*scan->at >= scan->last->count)
            *scan->at = 0;
        if (scan->last->slots[*scan->at].where == where)
            return &scan->last->slots[*scan->at];
    }
    return NULL;
}

/*
 * What stands behind the slot, or NULL where it doesn't count. It does if it holds libc's function,
 * ours, or nothing yet but the way to the lazy resolver, which lies in the library itself. What
 * holds another address has been given it by somebody else: by another interposer, or by the
 * version script of a program older than NPTL. The entries of regions differ from library to
 * library, and count where they are bound.
 */
static void *find_behind(const struct scan *scan, void **where, int watched)
{
    void *held = __atomic_load_n(where, __ATOMIC_RELAXED);
    if (is_ours(held)) {
        const struct fp_slot *last = find_last(scan, where);
        return last && last->watched == watched ? last->found : real[watched];
    }
    bool is_lazy = fp_object_holds(scan->object, held);
    if (watched >= FP_WATCHED_SINGLE)
        return is_lazy ? NULL : held;
    bool is_missing = !real[watched]; /* and asked for by a weak name */
    return !is_missing && (is_lazy || held == real[watched]) ? held : NULL;
}

static void visit_slot(const struct fp_elf_slot *slot, void *context)
{
    struct scan *scan = context;
    int watched = find_name(slot->name);
    if (watched < 0 || scan->table->count == SLOTS_MAX)
        return;
    void *behind = find_behind(scan, slot->where, watched);
    if (behind)
        scan->table->slots[scan->table->count++] =
            (struct fp_slot){.where = slot->where,
                             .found = behind,
                             .relocation = slot->relocation,
                             .object = scan->place,
                             .watched = (uint8_t)watched,
                             .is_protected = fp_elf_is_protected(scan->elf, slot->where)};
}

static void visit_object(const struct fp_object *object, const struct fp_elf *elf, size_t place,
                         void *context)
{
    struct scan *scan = context;
    const char *name = fp_elf_soname(elf);
    /* libc and the loader call themselves otherwise; our own calls are not to be watched. */
    bool skipped = elf->start == (uintptr_t)__ehdr_start || strcmp(name, "libc.so.6") == 0 ||
                   strncmp(name, "ld-linux", 8) == 0 || strncmp(name, "linux-vdso", 10) == 0;
    scan->object = object;
    scan->elf = elf;
    scan->place = (uint16_t)place;
    if (!skipped)
        fp_elf_each_slot(elf, visit_slot, scan);
}

static void search(void)
{
    unsigned long long changes = fp_objects_changes();
    if (changes == changes_seen)
        return;
    size_t at = 0;
    unsigned turn = fp_objects_turn();
    struct scan scan = {.table = &tables[!turn], .last = &tables[turn], .at = &at};
    scan.table->count = 0;
    scan.table->closes = fp_list_closes_settled();
    fp_objects_list(visit_object, &scan);
    fp_objects_publish();
    changes_seen = changes;
}

bool fp_got_scan(void)
{
    if (fp_list_claim(FP_LIST_PATIENCE)) {
        search();
        fp_list_release();
    }
    return fp_objects_count() > 0;
}

void fp_got_scan_and(void (*work)(void))
{
    if (!fp_list_claim(0))
        return;
    search();
    fp_objects_hold(work);
    fp_list_release();
}

FP_CHILD struct fp_slots fp_got_slots(void)
{
    const struct table *table = &tables[fp_objects_turn()];
    return (struct fp_slots){.count = table->count,
                             .slots = table->slots,
                             .is_certain = table->closes == fp_list_closes()};
}

/* Another library in the same place may have a function of its own in the same slot: what is in
   there tells them apart, unless it is the way to the resolver, which looks the same in both. */
FP_CHILD bool fp_got_may_write(const struct fp_slots *slots, const struct fp_slot *slot)
{
    const struct fp_object *object = fp_object_at(slot->object);
    void *held = __atomic_load_n(slot->where, __ATOMIC_RELAXED);
    if (held && held == real[slot->watched])
        return true;
    struct fp_elf_slot as_found = {slot->where, NAMES[slot->watched], slot->relocation};
    return held == slot->found &&
           (slots->is_certain ||
            fp_elf_is_still_slot(object->base, object->symbols, object->strings, &as_found));
}

void *fp_got_behind(enum fp_watched watched, const void *caller)
{
    const struct table *table = &tables[fp_objects_turn()];
    for (size_t i = 0; i < table->count; i++)
        if (table->slots[i].watched == watched &&
            fp_object_holds(fp_object_at(table->slots[i].object), caller))
            return table->slots[i].found;
    return NULL;
}
