/* See made_here.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/hang/made_here.h"

#include "common/large.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* A set by open addressing. Nothing is taken out: libc gives the same memory again. */
enum { PLACES = 8192, MOST = PLACES / 2 };
FP_LARGE static _Atomic uintptr_t places[PLACES];
static _Atomic unsigned count;

static size_t first_place(uintptr_t address)
{
    return (size_t)((address >> 4) * 0x9e3779b97f4a7c15U >> 51); /* 13 bits: 8,192 places */
}

void fp_made_here_note(const void *semaphore)
{
    uintptr_t address = (uintptr_t)semaphore;
    if (atomic_load_explicit(&count, memory_order_relaxed) >= MOST)
        return;
    for (size_t i = first_place(address);; i = (i + 1) % PLACES) {
        uintptr_t there = 0;
        if (atomic_compare_exchange_strong(&places[i], &there, address)) {
            atomic_fetch_add(&count, 1);
            return;
        }
        if (there == address)
            return;
    }
}

bool fp_made_here(const void *semaphore)
{
    uintptr_t address = (uintptr_t)semaphore;
    if (atomic_load(&count) >= MOST)
        return true;
    for (size_t i = first_place(address);; i = (i + 1) % PLACES) {
        uintptr_t there = atomic_load(&places[i]);
        if (!there || there == address)
            return there != 0;
    }
}
