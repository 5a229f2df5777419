/* Tests of loader/permutation/permutation.c: clumps. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/permutations.h"

static void expect_clumps(const struct forkloader_permutation *permutation, uint64_t size)
{
    uint64_t count = forkloader_permutation_count(permutation);
    uint64_t *rows = all_of(permutation, count), *parts = all_of(permutation, 7);
    for (uint64_t position = 0; position < count; position++) {
        cr_assert_eq(rows[position], parts[position], "in turns, %lu of %lu by %lu", position,
                     count, size);
        bool begins = rows[position] % size == 0;
        cr_assert(begins || (position && rows[position] == rows[position - 1] + 1),
                  "%lu of %lu by %lu is torn off", position, count, size);
    }
    free(rows);
    free(parts);
    expect_bijection(permutation, "clumps");
}

Test(permutation, clumps_of_every_size)
{
    for (uint64_t count = 1; count <= 300; count++) {
        for (uint64_t size = 1; size <= 20; size++) {
            for (int table = 0; table < 2; table++) {
                struct forkloader_permutation *permutation =
                    made(count, count, size, size, table ? FEW : TABLE_OFF, FASTEST);
                expect_clumps(permutation, size);
                forkloader_permutation_free(permutation);
            }
        }
    }
}

Test(permutation, long_clumps_and_many)
{
    static const struct {
        uint64_t count, size;
    } CASES[] = {{10000, 1024}, {10000, 9999}, {10000, 10000}, {10000, 10001},
                 {300001, 2},   {300001, 3},   {300001, 1500}, {10, UINT64_MAX}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        for (int table = 0; table < 2; table++) {
            struct forkloader_permutation *permutation =
                made(CASES[i].count, 3, 4, CASES[i].size, table ? FEW : TABLE_OFF, FASTEST);
            expect_clumps(permutation, CASES[i].size);
            forkloader_permutation_free(permutation);
        }
    }
}

Test(permutation, the_short_clump_lands_anywhere)
{
    bool at[10] = {false};
    for (uint64_t epoch = 0; epoch < 200; epoch++) {
        struct forkloader_permutation *permutation = made(95, 1, epoch, 10, FEW, FASTEST);
        uint64_t position = forkloader_permutation_find(permutation, 90);
        cr_assert_eq(position % 10, 0);
        at[position / 10] = true;
        forkloader_permutation_free(permutation);
    }
    for (int slot = 0; slot < 10; slot++)
        cr_expect(at[slot], "slot %d", slot);
}

Test(permutation, clumps_of_the_largest_count)
{
    static const uint64_t SIZES[] = {1, 2, 3, 1000, (UINT64_C(1) << 62) + 1, UINT64_C(1) << 63};
    uint64_t count = UINT64_C(1) << 63, rows[3000], stream = 1;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        struct forkloader_permutation *permutation = made(count, 1, 1, SIZES[i], FEW, FASTEST);
        for (int turn = 0; turn < 100; turn++) {
            uint64_t position = fl_stream_next(&stream) % (count - 2999);
            if (turn == 0)
                position = count - 3000;
            forkloader_permutation_read(permutation, position, 3000, rows);
            for (uint64_t j = 0; j < 3000; j += 111) {
                cr_assert_lt(rows[j], count);
                cr_assert_eq(forkloader_permutation_find(permutation, rows[j]), position + j);
            }
        }
        forkloader_permutation_free(permutation);
    }
}
