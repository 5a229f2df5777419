/* Which batch a row lies in. See table.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/base/error.h"
#include "loader/table/table.h"

#include <errno.h>
#include <stdlib.h>

static int find_starts(struct forkloader_table *table, struct forkloader_error *error)
{
    uint64_t row = 0;
    table->starts = calloc(table->batch_count + 1, sizeof *table->starts);
    if (!table->starts)
        return fl_fail(error, ENOMEM, "no memory for %zu batches", table->batch_count);
    for (size_t i = 0; i < table->batch_count; i++) {
        table->starts[i] = row;
        if (__builtin_add_overflow(row, (uint64_t)table->batches[i].length, &row))
            return fl_fail(error, EOVERFLOW, "batch %zu: more than 2^64 rows", i);
    }
    table->starts[table->batch_count] = row;
    return 0;
}

/* Whether all batches but the last have the rows of the first, a power of two; the last, no more.
 */
static bool is_equal(const struct forkloader_table *table)
{
    uint64_t first = table->batch_count ? table->starts[1] : 0;
    if (!first || first & (first - 1))
        return false;
    for (size_t i = 1; i < table->batch_count; i++)
        if (table->starts[i] != i * first)
            return false;
    return table->starts[table->batch_count] <= table->batch_count * first;
}

static int make_guesses(struct forkloader_table *table, struct forkloader_error *error)
{
    uint64_t rows = table->starts[table->batch_count];
    table->equal = is_equal(table);
    while (table->equal ? (uint64_t)1 << table->shift < table->starts[1]
                        : rows >> table->shift > 4 * (uint64_t)table->batch_count)
        table->shift++;
    if (table->equal)
        return 0;
    size_t count = (size_t)(rows >> table->shift) + 2, batch = 0;
    table->guesses = malloc(count * sizeof *table->guesses);
    if (!table->guesses)
        return fl_fail(error, ENOMEM, "no memory for %zu batches", table->batch_count);
    for (size_t i = 0; i < count; i++) {
        uint64_t row = i + 1 < count ? (uint64_t)i << table->shift : rows;
        while (batch + 1 < table->batch_count && table->starts[batch + 1] <= row)
            batch++;
        table->guesses[i] = (uint32_t)batch;
    }
    return 0;
}

/* Batches of about one size leave two to choose from, and random rows would have a branch guessed
   wrong every other time. */
static inline size_t batch_of(const struct forkloader_table *table, uint64_t row)
{
    if (table->equal)
        return (size_t)(row >> table->shift);
    const uint32_t *guess = &table->guesses[row >> table->shift];
    size_t low = guess[0], high = guess[1];
    low += table->starts[low + 1] <= row;
    if (table->starts[low + 1] > row)
        return low;
    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        if (table->starts[middle] <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void fl_table_find(const struct forkloader_table *table, const uint64_t *rows, size_t count,
                   int64_t *index, uint32_t *batch)
{
    const struct forkloader_table kept = *table; /* what is written might be the table's own */
    for (size_t i = 0; i < count; i++) {
        size_t found = batch_of(&kept, rows[i]);
        index[i] = (int64_t)(rows[i] - kept.starts[found]);
        batch[i] = (uint32_t)found;
    }
}

int fl_table_locate(struct forkloader_table *table, struct forkloader_error *error)
{
    int code = find_starts(table, error);
    return code == 0 ? make_guesses(table, error) : code;
}
