/* See buffer_pool.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/buffer_pool.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Smaller ones are malloc's business, larger ones would keep too much. */
enum { PLACES = 16, LEAST = 64 << 10, MOST = 16 << 20, MOST_TOGETHER = 64 << 20 };

/* In the buffer's own first bytes. */
struct spare {
    size_t bytes;
};

static _Atomic(struct spare *) places[PLACES];
static atomic_size_t together;

#ifdef __SANITIZE_ADDRESS__
static const bool IS_USED = false; /* nothing would be seen that is used after its release */
#else
static const bool IS_USED = true;
#endif

static bool put(struct spare *spare)
{
    for (size_t i = 0; i < PLACES; i++) {
        struct spare *none = NULL;
        if (atomic_compare_exchange_strong(&places[i], &none, spare))
            return true;
    }
    return false;
}

static void drop(struct spare *spare)
{
    atomic_fetch_sub(&together, spare->bytes);
    free(spare);
}

/* Not one that is much too large: somebody else may need it. */
static bool fits(const struct spare *spare, size_t bytes)
{
    return spare->bytes >= bytes && spare->bytes / 2 <= bytes;
}

void *fl_buffer_pool_take(size_t bytes)
{
    if (bytes < LEAST)
        return NULL;
    for (size_t i = 0; i < PLACES; i++) {
        struct spare *spare = atomic_load(&places[i]) ? atomic_exchange(&places[i], NULL) : NULL;
        if (spare && fits(spare, bytes)) {
            atomic_fetch_sub(&together, spare->bytes);
            return spare;
        }
        if (spare && !put(spare))
            drop(spare);
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
    struct spare *spare = buffer;
    spare->bytes = bytes;
    if (atomic_fetch_add(&together, bytes) + bytes > MOST_TOGETHER || !put(spare))
        drop(spare);
}

__attribute__((destructor)) static void finish(void)
{
    for (size_t i = 0; i < PLACES; i++)
        free(atomic_exchange(&places[i], NULL));
}
