/* See buffer_pool.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/buffer_pool.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Smaller buffers are left to malloc; larger ones would hold too much memory. */
enum { PLACES = 16, LEAST = 64 << 10, MOST = 16 << 20, MOST_IN_ALL = 64 << 20 };

/* In the buffer's own first bytes. */
struct pooled {
    size_t bytes;
};

static _Atomic(struct pooled *) places[PLACES];
static atomic_size_t together;

#ifdef __SANITIZE_ADDRESS__
static const bool IS_USED = false; /* it would hide a use after release from the sanitizer */
#else
static const bool IS_USED = true;
#endif

static bool put(struct pooled *pooled)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct pooled *none = NULL;
        if (atomic_compare_exchange_strong(&places[i], &none, pooled))
            return true;
    }
    return false;
}

static void drop(struct pooled *pooled)
{
    atomic_fetch_sub(&together, pooled->bytes);
    free(pooled);
}

/* A buffer that is much too large is left to other callers. */
static bool fits(const struct pooled *pooled, size_t bytes)
{
    return pooled->bytes >= bytes && pooled->bytes / 2 <= bytes;
}

void *fl_buffer_pool_take(size_t bytes)
{
    if (bytes < LEAST)
        return NULL;
    for (size_t i = 0; i < PLACES; i++) {
        struct pooled *pooled = atomic_load(&places[i]) ? atomic_exchange(&places[i], NULL) : NULL;
        if (pooled && fits(pooled, bytes)) {
            atomic_fetch_sub(&together, pooled->bytes);
            return pooled;
        }
        if (pooled && !put(pooled))
            drop(pooled);
    }
    return NULL;
}

void fl_buffer_pool_keep(void *buffer)
{
    size_t bytes = malloc_usable_size(buffer);
    if (!IS_USED || bytes < LEAST || bytes > MOST) {
        free(buffer);
        return;
    }
    struct pooled *pooled = buffer;
    pooled->bytes = bytes;
    if (atomic_fetch_add(&together, bytes) + bytes > MOST_IN_ALL || !put(pooled))
        drop(pooled);
}

__attribute__((destructor)) static void finish(void)
{
    for (size_t i = 0; i < PLACES; i++)
        free(atomic_exchange(&places[i], NULL));
}
