/* See once.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/once.h"

#include "common/large.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SAID_MAX = 1024 }; /* a job with more is one that nobody reads any more */

FP_LARGE static _Atomic uint64_t said[SAID_MAX];

bool fp_once(const char *site, const char *runtime)
{
    uint64_t key = XXH3_64bits_withSeed(runtime, strlen(runtime), XXH3_64bits(site, strlen(site)));
    key += !key; /* 0 marks a free place */
    for (uint32_t probe = 0; probe < SAID_MAX; probe++) {
        uint64_t expected = 0;
        _Atomic uint64_t *place = &said[(key + probe) % SAID_MAX];
        if (atomic_compare_exchange_strong(place, &expected, key))
            return true;
        if (expected == key)
            return false;
    }
    return false;
}
