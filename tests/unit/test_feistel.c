/* Tests of loader/permutation/feistel_groups.c: every path gives the same order.
   SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/permutations.h"

/* Any positions, the rows taking their place. */
static void expect_at(const struct forkloader_permutation *permutation, size_t count,
                      uint64_t *stream)
{
    static uint64_t positions[5000], rows[5000];
    for (size_t j = 0; j < count; j++)
        rows[j] = positions[j] = fl_stream_next(stream) % permutation->count;
    forkloader_permutation_at(permutation, rows, count, rows);
    for (size_t j = 0; j < count; j++)
        cr_assert_eq(rows[j], fl_feistel_at(&permutation->feistel, positions[j]),
                     "position %lu, %zu of %zu", positions[j], j, count);
}

/* Counts whose rectangles are exact, one cell too large, and as much too large as they can be. */
Test(permutation, every_path_gives_the_same_order)
{
    static const uint64_t COUNTS[] = {4096,
                                      4097,
                                      65536,
                                      65537,
                                      65793, /* 257 * 256 + 1 */
                                      1000000,
                                      1000001,
                                      10000019,
                                      UINT64_C(4294967296),
                                      UINT64_C(4294967297),
                                      UINT64_C(1) << 52,
                                      (UINT64_C(1) << 62) - 1,
                                      UINT64_C(1) << 62};
    enum { MOST = 5000 };
    static uint64_t rows[MOST];
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
        for (enum fl_path path = FL_SINGLE; path <= FASTEST; path++) {
            struct forkloader_permutation *permutation = made(COUNTS[i], i, 5, 1, TABLE_OFF, path);
            const struct fl_feistel *feistel = &permutation->feistel;
            if (!fl_feistel_has(path))
                cr_assert_lt(feistel->path, path);
            else
                cr_assert_eq(feistel->path, path);
            uint64_t stream = i;
            for (int turn = 0; turn < 200; turn++) {
                uint64_t most = COUNTS[i] < MOST ? COUNTS[i] : turn < 4 ? MOST : 200;
                size_t count = (size_t)(fl_stream_next(&stream) % most) + 1;
                uint64_t first = fl_stream_next(&stream) % (COUNTS[i] - count + 1);
                if (turn % 4 == 0)
                    first = COUNTS[i] - count;
                else if (turn % 4 == 1) /* about the end of the rectangle's first row */
                    first = feistel->wide - (uint64_t)turn % 70;
                if (first > COUNTS[i] - count)
                    first = COUNTS[i] - count;
                rows[count % MOST] = 77;
                forkloader_permutation_read(permutation, first, count, rows);
                for (size_t j = 0; j < count; j++)
                    cr_assert_eq(rows[j], fl_feistel_at(feistel, first + j),
                                 "%lu by path %d, position %lu", COUNTS[i], path, first + j);
                if (count < MOST)
                    cr_assert_eq(rows[count], 77, "written beyond the end");
                expect_at(permutation, count, &stream);
            }
            forkloader_permutation_free(permutation);
        }
    }
}

Test(permutation, too_many_and_too_few_columns_go_singly)
{
    struct fl_feistel feistel;
    fl_feistel_init(&feistel, 63 * 63, 1, FASTEST);
    cr_expect_eq(feistel.path, FL_SINGLE);
    fl_feistel_init(&feistel, 63 * 63 + 1, 1, FASTEST);
    cr_expect_neq(feistel.path, FL_SINGLE);
    fl_feistel_init(&feistel, UINT64_C(1) << 62, 1, FASTEST);
    cr_expect_neq(feistel.path, FL_SINGLE);
    fl_feistel_init(&feistel, (UINT64_C(1) << 62) + 1, 1, FASTEST);
    cr_expect_eq(feistel.path, FL_SINGLE);
}
