/* See runtimes.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/threads/runtimes.h"

#include "shim/base/child_section.h"

#include "common/large.h"

#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>

enum state { EMPTY, READY };
enum { ARENA_SIZE = 1 << 20, BUCKETS = 2 * FP_ENTRIES_MAX };

/* All of it zero at first, FP_ENTRY_OTHER too: other data would be copied at every fork. */
FP_LARGE_FIRST static struct fp_runtime_entry entries[FP_ENTRIES_MAX];
static _Atomic uint32_t entries_made; /* without FP_ENTRY_OTHER */
/* Index of an entry, 0 = empty; entries are never removed. */
FP_LARGE static _Atomic uint32_t buckets[BUCKETS];

FP_LARGE static _Alignas(16) char arena[ARENA_SIZE]; /* untouched pages cost nothing */
static _Atomic size_t arena_used;

void *fp_arena_take(size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    size_t at = atomic_fetch_add(&arena_used, rounded);
    if (at + rounded <= ARENA_SIZE)
        return arena + at;
    atomic_fetch_sub(&arena_used, rounded);
    return NULL;
}

const char *fp_arena_copy(const char *string, size_t length)
{
    /* "" as well: a constant lies on a page that each child would have to fault in. */
    char *copy = fp_arena_take(length + 1);
    if (!copy)
        return "";
    memcpy(copy, string, length);
    copy[length] = '\0';
    return copy;
}

FP_CHILD struct fp_runtime_entry *fp_runtime_at(uint32_t index)
{
    return &entries[index];
}

FP_CHILD uint32_t fp_runtimes_count(void)
{
    return atomic_load(&entries_made) + 1;
}

static bool is_entry(const struct fp_runtime_entry *entry, uint64_t hash, const char *dso,
                     const char *file, const char *started)
{
    return atomic_load_explicit(&entry->state, memory_order_acquire) == READY &&
           entry->hash == hash && strcmp(entry->dso, dso) == 0 && strcmp(entry->file, file) == 0 &&
           (!*file || strcmp(entry->started, started) == 0);
}

/* A library's entry is found by its path alone; Python code's by the line, too. */
static uint64_t hash_key(const char *dso, const char *file, const char *started)
{
    uint64_t hash = XXH3_64bits(dso, strlen(dso));
    if (*file) {
        hash = XXH3_64bits_withSeed(file, strlen(file), hash);
        hash = XXH3_64bits_withSeed(started, strlen(started), hash);
    }
    return hash;
}

static uint32_t make_entry(uint64_t hash, const char *dso, const char *file, const char *started)
{
    uint32_t made = atomic_load(&entries_made);
    do {
        if (made + 1 == FP_ENTRIES_MAX)
            return FP_ENTRY_OTHER;
    } while (!atomic_compare_exchange_weak(&entries_made, &made, made + 1));
    uint32_t index = made + 1;
    struct fp_runtime_entry *entry = &entries[index];
    entry->hash = hash;
    entry->dso = fp_arena_copy(dso, strlen(dso));
    entry->file = fp_arena_copy(file, strlen(file));
    entry->started = fp_arena_copy(started, strlen(started));
    atomic_store_explicit(&entry->state, READY, memory_order_release); /* pairs with is_entry */
    return index;
}

static void note_start(struct fp_runtime_entry *entry, const char *started)
{
    if (*started && !*entry->started)
        entry->started = fp_arena_copy(started, strlen(started));
}

uint32_t fp_runtime_intern(const char *dso, const char *file, const char *started)
{
    uint64_t hash = hash_key(dso, file, started);
    uint32_t made = FP_ENTRY_OTHER;
    for (uint32_t probe = 0; probe < BUCKETS; probe++) {
        _Atomic uint32_t *bucket = &buckets[(hash + probe) % BUCKETS];
        uint32_t index = atomic_load(bucket);
        if (!index) {
            if (!made)
                made = make_entry(hash, dso, file, started);
            /* Another thread may have put the same library here meanwhile: then its entry counts
               and ours stays without threads. */
            if (!made || atomic_compare_exchange_strong(bucket, &index, made))
                return made;
        }
        if (is_entry(&entries[index], hash, dso, file, started)) {
            note_start(&entries[index], started);
            return index;
        }
    }
    return FP_ENTRY_OTHER;
}

void fp_runtime_note_user(uint32_t index, const char *line)
{
    struct fp_runtime_entry *entry = &entries[index];
    if (index != FP_ENTRY_OTHER && *line && !atomic_load(&entry->user))
        atomic_store(&entry->user, fp_arena_copy(line, strlen(line)));
}

uint32_t fp_runtime_find(const char *dso)
{
    uint64_t hash = hash_key(dso, "", "");
    for (uint32_t probe = 0; probe < BUCKETS; probe++) {
        uint32_t index = atomic_load(&buckets[(hash + probe) % BUCKETS]);
        if (!index)
            break;
        if (is_entry(&entries[index], hash, dso, "", ""))
            return index;
    }
    return FP_ENTRY_NONE;
}

void fp_runtime_add(uint32_t index)
{
    atomic_fetch_add(&entries[index].live, 1);
}

void fp_runtime_remove(uint32_t index)
{
    atomic_fetch_sub(&entries[index].live, 1);
}

FP_CHILD void fp_runtimes_child(uint32_t survivor)
{
    uint32_t count = fp_runtimes_count();
    for (uint32_t i = 0; i < count; i++) {
        unsigned kept = i == survivor;
        unsigned before = atomic_exchange(&entries[i].live, kept);
        atomic_fetch_add(&entries[i].lost, before > kept ? before - kept : 0);
    }
}

FP_CHILD void fp_runtime_keep(uint32_t index)
{
    atomic_fetch_add(&entries[index].live, 1);
    atomic_fetch_sub(&entries[index].lost, 1);
}
