/*
 * Permutations by every path, and all their rows. For one file of a program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_PERMUTATIONS_H
#define TESTS_PERMUTATIONS_H

#include "loader/permutation/permutation.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { TABLE_OFF = 0, FEW = 65536 };

static const enum fl_path FASTEST = FL_AVX512;

static inline struct forkloader_permutation *made(uint64_t count, uint64_t seed, uint64_t epoch,
                                                  uint64_t clump_size, uint64_t table_below,
                                                  enum fl_path path)
{
    struct forkloader_permutation *permutation;
    struct fl_permutation_how how = {.table_below = table_below, .path = path};
    cr_assert_eq(fl_permutation_new(&permutation, count, seed, epoch, clump_size, how, NULL), 0);
    return permutation;
}

/* All rows, in turns of `turn`. */
static inline uint64_t *all_of(const struct forkloader_permutation *permutation, size_t turn)
{
    size_t count = (size_t)forkloader_permutation_count(permutation);
    uint64_t *rows = malloc((count + 1) * sizeof *rows);
    for (size_t first = 0; first < count; first += turn)
        forkloader_permutation_read(permutation, first, count - first < turn ? count - first : turn,
                                    rows + first);
    return rows;
}

/* Every row once, and found where it stands. */
static inline void expect_bijection(const struct forkloader_permutation *permutation,
                                    const char *what)
{
    uint64_t count = forkloader_permutation_count(permutation);
    uint64_t *rows = all_of(permutation, 1024);
    unsigned char *seen = calloc(count + 1, 1);
    for (uint64_t position = 0; position < count; position++) {
        cr_assert_lt(rows[position], count, "%s", what);
        cr_assert(!seen[rows[position]], "%s: %lu twice of %lu", what, rows[position], count);
        seen[rows[position]] = 1;
        cr_assert_eq(forkloader_permutation_find(permutation, rows[position]), position,
                     "%s: row %lu of %lu", what, rows[position], count);
    }
    free(seen);
    free(rows);
}

#endif
