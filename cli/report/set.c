/* See set.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/set.h"

#define XXH_INLINE_ALL
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

uint64_t fp_hash_string(const char *string, uint64_t seed)
{
    return XXH3_64bits_withSeed(string, strlen(string), seed);
}

uint64_t fp_hash_number(uint64_t number, uint64_t seed)
{
    return XXH3_64bits_withSeed(&number, sizeof number, seed);
}

/* The slot of a hash, or the free one where it belongs. */
static uint64_t *find(uint64_t *slots, size_t size, uint64_t hash)
{
    size_t at = hash & (size - 1);
    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

static bool grow(struct fp_set *set)
{
    size_t size = set->size ? set->size * 2 : 1024;
    uint64_t *slots = calloc(size, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < set->size; i++)
        if (set->slots[i])
            *find(slots, size, set->slots[i]) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->size = size;
    return true;
}

bool fp_set_add(struct fp_set *set, uint64_t hash)
{
    hash += !hash; /* 0 is a free slot */
    if (set->size && *find(set->slots, set->size, hash))
        return false;
    if (set->count == FP_SET_MAX || (set->count >= set->size / 2 && !grow(set))) {
        set->full = true;
        return false;
    }
    *find(set->slots, set->size, hash) = hash;
    set->count++;
    return true;
}

bool fp_set_has(const struct fp_set *set, uint64_t hash)
{
    hash += !hash;
    return set->size && *find(set->slots, set->size, hash);
}

void fp_set_free(struct fp_set *set)
{
    free(set->slots);
    *set = (struct fp_set){0};
}
