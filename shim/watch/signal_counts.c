/* See signal_counts.h. SPDX-License-Identifier: Apache-2.0 */
#include "shim/watch/signal_counts.h"

#include "common/large.h"

#include <stdatomic.h>
#include <stdint.h>

enum { COUNTS_BITS = 9, COUNTS = 1 << COUNTS_BITS };

FP_LARGE static atomic_uint counts[COUNTS];

/* By the upper bits of a product with 2^64 over the golden ratio: neighbours are far apart. */
static atomic_uint *count_of(const void *condition)
{
    return &counts[(uint64_t)(uintptr_t)condition * UINT64_C(0x9e3779b97f4a7c15) >>
                   (64 - COUNTS_BITS)];
}

void fp_signals_note(const void *condition)
{
    atomic_fetch_add(count_of(condition), 1);
}

unsigned fp_signals_of(const void *condition)
{
    return atomic_load(count_of(condition));
}
