/* See permutation.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/permutation/permutation.h"

#include "loader/base/error.h"
#include "loader/base/public.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { BLOCK = 1024 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Fisher and Yates, from the end. Below 2^16 entries the upper half of a product with a 64-bit
   number is as good as unbiased: one in 2^48. */
static void fill_table(uint16_t *table, size_t count, uint64_t stream)
{
    uint16_t *slots = table + count;
    for (size_t i = 0; i < count; i++)
        table[i] = (uint16_t)i;
    for (size_t left = count; left > 1; left--) {
        uint64_t chosen = fl_high(fl_stream_next(&stream), left);
        uint16_t other = table[left - 1];
        table[left - 1] = table[chosen];
        table[chosen] = other;
    }
    for (size_t i = 0; i < count; i++)
        slots[table[i]] = (uint16_t)i;
}

static uint64_t slot_of(const struct forkloader_permutation *permutation, uint64_t clump)
{
    if (permutation->has_table)
        return permutation->table[permutation->clump_count + clump];
    return fl_feistel_find(&permutation->feistel, clump);
}

static void read_clumps(const struct forkloader_permutation *permutation, uint64_t slot,
                        size_t count, uint64_t *clumps)
{
    if (permutation->has_table)
        for (size_t i = 0; i < count; i++)
            clumps[i] = permutation->table[slot + i];
    else
        fl_feistel_read(&permutation->feistel, slot, count, clumps);
}

static void clumps_at(const struct forkloader_permutation *permutation, const uint64_t *slots,
                      size_t count, uint64_t *clumps)
{
    if (permutation->has_table)
        for (size_t i = 0; i < count; i++)
            clumps[i] = permutation->table[slots[i]];
    else
        fl_feistel_at_all(&permutation->feistel, slots, count, clumps);
}

int fl_permutation_new(struct forkloader_permutation **permutation, uint64_t count, uint64_t seed,
                       uint64_t epoch, uint64_t clump_size, struct fl_permutation_how how,
                       struct forkloader_error *error)
{
    *permutation = NULL;
    if (clump_size == 0)
        return fl_fail(error, EINVAL, "clump_size must be greater than 0");
    if (count > FL_FEISTEL_MOST)
        return fl_fail(error, EINVAL, "count must be 2^63 at most, not %" PRIu64, count);

    /* No clump is longer than all rows: no sum below is too large. */
    uint64_t size = count && clump_size > count ? count : clump_size;
    uint64_t clumps = count / size + (count % size != 0);
    bool has_table = clumps < how.table_below;
    size_t entries = has_table ? (size_t)clumps * 2 : 0;
    struct forkloader_permutation *made = malloc(sizeof *made + entries * sizeof *made->table);
    if (!made)
        return fl_fail(error, ENOMEM, "no memory for a permutation of %" PRIu64 " rows", count);

    *made = (struct forkloader_permutation){.count = count,
                                            .clump_size = size,
                                            .clump_count = clumps,
                                            .by_clump = fl_divider(size),
                                            .has_table = has_table};
    uint64_t stream = fl_stream_start(seed, epoch, clumps);
    if (has_table)
        fill_table(made->table, (size_t)clumps, stream);
    else
        fl_feistel_init(&made->feistel, clumps, stream, how.path);
    if (clumps) {
        made->last_size = count - (clumps - 1) * size;
        made->last_slot = slot_of(made, clumps - 1);
        made->last_position = made->last_slot * size;
    }
    *permutation = made;
    return 0;
}

FL_PUBLIC int forkloader_permutation_new(struct forkloader_permutation **permutation,
                                         uint64_t count, uint64_t seed, uint64_t epoch,
                                         uint64_t clump_size, struct forkloader_error *error)
{
    return fl_permutation_new(permutation, count, seed, epoch, clump_size, FL_PERMUTATION_V1,
                              error);
}

FL_PUBLIC void forkloader_permutation_free(struct forkloader_permutation *permutation)
{
    free(permutation);
}

FL_PUBLIC uint64_t forkloader_permutation_count(const struct forkloader_permutation *permutation)
{
    return permutation->count;
}

/* The slot of a position, and how far into its clump that is. */
static uint64_t slot_at(const struct forkloader_permutation *permutation, uint64_t position,
                        uint64_t *offset)
{
    uint64_t behind = permutation->last_position + permutation->last_size;
    if (position < permutation->last_position)
        return fl_divide(&permutation->by_clump, position, offset);
    if (position >= behind)
        return permutation->last_slot + 1 +
               fl_divide(&permutation->by_clump, position - behind, offset);
    *offset = position - permutation->last_position;
    return permutation->last_slot;
}

FL_PUBLIC void forkloader_permutation_read(const struct forkloader_permutation *permutation,
                                           uint64_t first, size_t count, uint64_t *rows)
{
    uint64_t size = permutation->clump_size, offset, remainder, clumps[BLOCK];
    if (size == 1) {
        read_clumps(permutation, first, count, rows);
        return;
    }
    if (!count)
        return;
    uint64_t slot = slot_at(permutation, first, &offset);
    while (count) {
        /* One more is read in the next turn where the last clump, a short one, lies within. */
        uint64_t wanted = fl_divide(&permutation->by_clump, offset + count - 1, &remainder) + 1;
        size_t some = (size_t)least(least(wanted, BLOCK), permutation->clump_count - slot);
        read_clumps(permutation, slot, some, clumps);
        slot += some;
        for (size_t i = 0; i < some && count; i++) {
            bool last = clumps[i] == permutation->clump_count - 1;
            uint64_t row = clumps[i] * size + offset;
            size_t run = (size_t)least((last ? permutation->last_size : size) - offset, count);
            for (size_t j = 0; j < run; j++)
                rows[j] = row + j;
            rows += run;
            count -= run;
            offset = 0;
        }
    }
}

FL_PUBLIC uint64_t forkloader_permutation_find(const struct forkloader_permutation *permutation,
                                               uint64_t row)
{
    uint64_t offset, clump = fl_divide(&permutation->by_clump, row, &offset);
    uint64_t slot = slot_of(permutation, clump);
    uint64_t position = slot * permutation->clump_size + offset;
    if (slot > permutation->last_slot)
        position -= permutation->clump_size - permutation->last_size;
    return position;
}

/* In clumps neighbours are read together: a shuffled reader asks for a few, a plain one for runs.
 */
FL_PUBLIC void forkloader_permutation_at(const struct forkloader_permutation *permutation,
                                         const uint64_t *positions, size_t count, uint64_t *rows)
{
    if (permutation->clump_size == 1) {
        clumps_at(permutation, positions, count, rows);
        return;
    }
    for (size_t i = 0; i < count;) {
        uint64_t first = positions[i];
        size_t run = 1;
        while (i + run < count && positions[i + run] == first + run)
            run++;
        forkloader_permutation_read(permutation, first, run, rows + i);
        i += run;
    }
}
