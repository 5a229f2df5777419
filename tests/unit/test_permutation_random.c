/* Tests of loader/permutation: how random the orders are. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/permutations.h"

#include <string.h>

/* How even a set of counts is: about 1 where it is random. */
static double chi_square(const uint32_t *counts, size_t bins, double expected)
{
    double sum = 0;
    for (size_t i = 0; i < bins; i++)
        sum += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    return sum / (double)(bins - 1);
}

enum { KEYS = 30, BINS = 1000, SIDE = 32 };

/* Which of so many equal parts of [0, count) a number lies in. */
static size_t part_of(uint64_t number, uint64_t count, size_t parts)
{
    return (size_t)((fl_wide)number * parts / count);
}

struct evenness {
    double differences, pairs, low_bits;
};

static void look_at(struct evenness *even, const uint64_t *rows, size_t sample, size_t apart,
                    uint64_t count)
{
    static uint32_t differences[BINS], pairs[SIDE * SIDE], low_bits[SIDE * SIDE];
    double looked_at = (double)(sample - apart);
    memset(differences, 0, sizeof differences);
    memset(pairs, 0, sizeof pairs);
    memset(low_bits, 0, sizeof low_bits);
    for (size_t i = 0; i + apart < sample; i++) {
        uint64_t one = rows[i], other = rows[i + apart];
        differences[part_of(other - one + (other < one ? count : 0), count, BINS)]++;
        pairs[part_of(one, count, SIDE) * SIDE + part_of(other, count, SIDE)]++;
        low_bits[one % SIDE * SIDE + other % SIDE]++;
    }
    even->differences += chi_square(differences, BINS, looked_at / BINS) / KEYS;
    even->pairs += chi_square(pairs, (size_t)SIDE * SIDE, looked_at / SIDE / SIDE) / KEYS;
    even->low_bits += chi_square(low_bits, (size_t)SIDE * SIDE, looked_at / SIDE / SIDE) / KEYS;
}

/* The first rows, two by two whose positions are `apart`. Pairs of a whole order lack those of one
   row, which makes them a little more even than chance. The bounds are five deviations of what 30
   permutations have by chance. With three rounds in place of eight the differences reach 60. */
static void expect_random(uint64_t count, size_t sample, uint64_t table_below, size_t apart)
{
    struct evenness even = {0};
    uint64_t *rows = malloc(sample * sizeof *rows);
    for (uint64_t key = 0; key < KEYS; key++) {
        struct forkloader_permutation *permutation = made(count, 9, key, 1, table_below, FASTEST);
        forkloader_permutation_read(permutation, 0, sample, rows);
        look_at(&even, rows, sample, apart, count);
        forkloader_permutation_free(permutation);
    }
    free(rows);
    cr_log_info("%lu, apart %zu: differences %.3f, pairs %.3f, low bits %.3f\n", count, apart,
                even.differences, even.pairs, even.low_bits);
    cr_expect(even.differences > 0.95 && even.differences < 1.05, "%lu, apart %zu: differences %f",
              count, apart, even.differences);
    cr_expect(even.pairs > 0.9 && even.pairs < 1.05, "%lu, apart %zu: pairs %f", count, apart,
              even.pairs);
    cr_expect(even.low_bits > 0.9 && even.low_bits < 1.05, "%lu, apart %zu: low bits %f", count,
              apart, even.low_bits);
}

/* 317 columns: the positions above each other in the rectangle are 317 apart. */
Test(permutation, neighbours_are_random)
{
    expect_random(100003, 100003, TABLE_OFF, 1);
    expect_random(100003, 100003, TABLE_OFF, 2);
    expect_random(100003, 100003, TABLE_OFF, 317);
    expect_random(100003, 100003, TABLE_OFF, 318);
    expect_random(60000, 60000, FEW, 1);
}

/* All of these lie in a few rows of the rectangle, or in one. */
Test(permutation, neighbours_among_very_many_are_random)
{
    expect_random(1000000000, 100000, FEW, 1);
    expect_random(1000000000, 100000, FEW, 31623);
    expect_random(UINT64_C(1) << 40, 100000, FEW, 1);
    expect_random(UINT64_C(1) << 62, 100000, FEW, 1);
    expect_random(UINT64_C(1) << 63, 100000, FEW, 1);
}

/* What two epochs, two seeds, or the two swapped make of one position. */
Test(permutation, keys_are_independent)
{
    static const uint64_t KEYS_OF[][4] = {{1, 0, 1, 1}, {1, 0, 2, 0}, {1, 2, 2, 1}, {7, 7, 8, 6},
                                          {0, 0, 0, 1}, {0, 0, 1, 0}, {0, 1, 1, 0}};
    for (uint64_t count = 60000; count <= 100003; count += 40003) {
        for (size_t i = 0; i < sizeof KEYS_OF / sizeof *KEYS_OF; i++) {
            static uint32_t by_difference[BINS];
            const uint64_t *key = KEYS_OF[i];
            memset(by_difference, 0, sizeof by_difference);
            struct forkloader_permutation *one = made(count, key[0], key[1], 1, FEW, FASTEST);
            struct forkloader_permutation *other = made(count, key[2], key[3], 1, FEW, FASTEST);
            uint64_t *a = all_of(one, 1024), *b = all_of(other, 1024);
            int same = 0;
            for (uint64_t position = 0; position < count; position++) {
                uint64_t difference = a[position] - b[position];
                difference += a[position] < b[position] ? count : 0;
                by_difference[difference * BINS / count]++;
                same += difference == 0;
            }
            double even = chi_square(by_difference, BINS, (double)count / BINS);
            cr_expect(same < 10, "%d rows of %lu stayed", same, count);
            cr_expect(even > 0.75 && even < 1.25, "keys %zu: %f", i, even);
            free(a);
            free(b);
            forkloader_permutation_free(one);
            forkloader_permutation_free(other);
        }
    }
}

/* The number of an order of five among all 120. */
static unsigned rank_of(const uint64_t *rows)
{
    unsigned rank = 0;
    for (unsigned i = 0; i < 5; i++) {
        unsigned smaller = 0;
        for (unsigned j = i + 1; j < 5; j++)
            smaller += rows[j] < rows[i];
        rank = rank * (5 - i) + smaller;
    }
    return rank;
}

Test(permutation, all_orders_of_five_come_equally_often)
{
    enum { EACH = 500 };
    uint32_t counts[120] = {0};
    for (uint64_t epoch = 0; epoch < 120 * EACH; epoch++) {
        uint64_t rows[5];
        struct forkloader_permutation *permutation = made(5, 1, epoch, 1, FEW, FASTEST);
        forkloader_permutation_read(permutation, 0, 5, rows);
        counts[rank_of(rows)]++;
        forkloader_permutation_free(permutation);
    }
    double even = chi_square(counts, 120, EACH);
    cr_expect(even > 0.5 && even < 1.6, "%f", even);
}
