/* Tests of loader/permutation/permutation.c and feistel.c: every row once.
   SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/permutations.h"

#include <errno.h>

Test(permutation, every_count_up_to_5000_without_the_table)
{
    for (uint64_t count = 1; count <= 5000; count++) {
        struct forkloader_permutation *permutation =
            made(count, count * 3, 1, 1, TABLE_OFF, FASTEST);
        expect_bijection(permutation, "no table");
        forkloader_permutation_free(permutation);
    }
}

Test(permutation, counts_with_the_table)
{
    static const uint64_t COUNTS[] = {1, 2, 3, 100, 1023, 1024, 1025, 65534, 65535, 65536, 65537};
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
        struct forkloader_permutation *permutation = made(COUNTS[i], 1, 1, 1, FEW, FASTEST);
        expect_bijection(permutation, "table");
        forkloader_permutation_free(permutation);
    }
}

Test(permutation, around_powers_of_two)
{
    for (int power = 1; power <= 63; power++) {
        for (int more = -1; more <= 1; more++) {
            uint64_t count = (UINT64_C(1) << power) + (uint64_t)more;
            if (power == 63 && more > 0)
                continue;
            struct forkloader_permutation *permutation =
                made(count, (uint64_t)power, 0, 1, TABLE_OFF, FASTEST);
            if (power <= 18) {
                expect_bijection(permutation, "2^k");
            } else {
                uint64_t stream = fl_stream_start(1, 2, count);
                for (int i = 0; i < 1000; i++) {
                    uint64_t position = fl_stream_next(&stream) % count, row;
                    forkloader_permutation_read(permutation, position, 1, &row);
                    cr_assert_lt(row, count);
                    cr_assert_eq(forkloader_permutation_find(permutation, row), position);
                    row = fl_stream_next(&stream) % count;
                    position = forkloader_permutation_find(permutation, row);
                    uint64_t again;
                    forkloader_permutation_read(permutation, position, 1, &again);
                    cr_assert_eq(again, row, "2^%d%+d", power, more);
                }
            }
            forkloader_permutation_free(permutation);
        }
    }
}

Test(permutation, errors_name_the_argument)
{
    struct forkloader_error error = {""};
    struct forkloader_permutation *permutation;
    cr_expect_eq(forkloader_permutation_new(&permutation, 5, 1, 1, 0, &error), EINVAL);
    cr_expect_str_eq(error.message, "clump_size must be greater than 0");
    cr_expect_null(permutation);
    uint64_t count = (UINT64_C(1) << 63) + 1;
    cr_expect_eq(forkloader_permutation_new(&permutation, count, 1, 1, 1, &error), EINVAL);
    cr_expect_str_eq(error.message, "count must be 2^63 at most, not 9223372036854775809");
    cr_expect_eq(forkloader_permutation_new(&permutation, count, 1, 1, 1, NULL), EINVAL);
    forkloader_permutation_free(NULL);
}

Test(permutation, of_nothing)
{
    struct forkloader_permutation *permutation;
    for (uint64_t size = 1; size <= 8; size += 7) {
        cr_assert_eq(forkloader_permutation_new(&permutation, 0, 1, 1, size, NULL), 0);
        cr_expect_eq(forkloader_permutation_count(permutation), 0);
        forkloader_permutation_read(permutation, 0, 0, NULL);
        forkloader_permutation_free(permutation);
    }
}

Test(permutation, division_by_a_reciprocal_is_exact)
{
    uint64_t stream = 3;
    for (int i = 0; i < 1000000; i++) {
        uint64_t divisor = (fl_stream_next(&stream) >> (i % 64)) | !(i % 3), rest;
        uint64_t number = fl_stream_next(&stream) >> (i / 64 % 64);
        if (!divisor)
            continue;
        if (i % 5 == 0)
            number -= number % divisor + 1; /* just below a multiple, or the largest number */
        struct fl_divider by = fl_divider(divisor);
        cr_assert_eq(fl_divide(&by, number, &rest), number / divisor, "%lu / %lu", number, divisor);
        cr_assert_eq(rest, number % divisor);
    }
}
