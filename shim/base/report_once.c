/* See report_once.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/report_once.h"

#include "common/large.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SAID_MAX = 1024 }; /* a job with more is one that nobody reads any more */

FP_LARGE static _Atomic uint64_t said[SAID_MAX];

static uint64_t key_of(const char *site, const char *what)
{
    uint64_t key = XXH3_64bits_withSeed(what, strlen(what), XXH3_64bits(site, strlen(site)));
    return key + !key; /* 0 marks a free place */
}

/* Where the key stands or may be written; NULL: the set is full. */
static _Atomic uint64_t *find(_Atomic uint64_t *places, uint64_t key)
{
    for (uint32_t probe = 0; probe < SAID_MAX; probe++) {
        _Atomic uint64_t *place = &places[(key + probe) % SAID_MAX];
        uint64_t found = atomic_load(place);
        if (!found || found == key)
            return place;
    }
    return NULL;
}

static bool note(_Atomic uint64_t *places, const char *site, const char *what)
{
    uint64_t key = key_of(site, what);
    for (_Atomic uint64_t *place; (place = find(places, key));) {
        uint64_t expected = 0;
        if (atomic_compare_exchange_strong(place, &expected, key))
            return true;
        if (expected == key)
            return false;
    }
    return false;
}

bool fp_once(const char *site, const char *runtime)
{
    return note(said, site, runtime);
}

static _Atomic(_Atomic uint64_t *) shared;

void fp_once_share(void)
{
    _Atomic uint64_t *none = NULL;
    size_t size = SAID_MAX * sizeof *none;
    if (atomic_load(&shared))
        return;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED && !atomic_compare_exchange_strong(&shared, &none, memory))
        munmap(memory, size);
}

static _Atomic uint64_t *all_shared(void)
{
    _Atomic uint64_t *places = atomic_load(&shared);
    return places ? places : said;
}

bool fp_once_shared(const char *site, const char *what)
{
    return note(all_shared(), site, what);
}

bool fp_once_shared_before(const char *site, const char *what)
{
    uint64_t key = key_of(site, what);
    const _Atomic uint64_t *place = find(all_shared(), key);
    return !place || atomic_load(place) == key;
}
