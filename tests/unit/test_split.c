/* Tests of loader/permutation/split.c. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "forkloader.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { MOST = 16 };

static uint64_t sizes[MOST];
static struct forkloader_error error;

static void set_up(void)
{
    memset(sizes, 0xee, sizeof sizes);
    error.message[0] = 0;
}

TestSuite(split, .init = set_up);

static int by_ratios(uint64_t rows, size_t count, const double *ratios)
{
    struct forkloader_split split = {
        .by = FORKLOADER_SPLIT_RATIOS, .ratios = ratios, .count = count};
    return forkloader_split_sizes(&split, rows, sizes, &error);
}

static int by_counts(uint64_t rows, size_t count, const uint64_t *counts)
{
    struct forkloader_split split = {
        .by = FORKLOADER_SPLIT_COUNTS, .counts = counts, .count = count};
    return forkloader_split_sizes(&split, rows, sizes, &error);
}

static int fixed(uint64_t rows, uint64_t count)
{
    struct forkloader_split split = {.by = FORKLOADER_SPLIT_FIXED, .count = count};
    return forkloader_split_sizes(&split, rows, sizes, &error);
}

#define COUNT(...) (sizeof((double[]){__VA_ARGS__}) / sizeof(double))
#define BY_RATIOS(rows, ...) by_ratios(rows, COUNT(__VA_ARGS__), (double[]){__VA_ARGS__})
#define BY_COUNTS(rows, ...) by_counts(rows, COUNT(__VA_ARGS__), (uint64_t[]){__VA_ARGS__})
#define EXPECT_SIZES(...) expect_sizes(COUNT(__VA_ARGS__), (uint64_t[]){__VA_ARGS__})

static void expect_sizes(size_t count, const uint64_t *expected)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(sizes[i], expected[i], "split %zu has %lu rows, not %lu", i, sizes[i],
                     expected[i]);
    cr_expect_eq(sizes[count], UINT64_C(0xeeeeeeeeeeeeeeee), "written beyond the end");
    memset(sizes, 0xee, sizeof sizes);
}

static void expect_error(int code, const char *message)
{
    cr_expect_eq(code, EINVAL);
    cr_expect_str_eq(error.message, message);
    cr_expect_eq(sizes[0], UINT64_C(0xeeeeeeeeeeeeeeee), "written on an error");
    error.message[0] = 0;
}

Test(split, ratios_as_lancedb_rounds_them)
{
    cr_assert_eq(BY_RATIOS(100, 0.3, 0.7), 0);
    EXPECT_SIZES(30, 70);
    cr_assert_eq(BY_RATIOS(70, 0.3, 0.41), 0);
    EXPECT_SIZES(21, 29);
    cr_assert_eq(BY_RATIOS(50, 0.217, 0.168, 0.17), 0);
    EXPECT_SIZES(11, 8, 9);
    cr_assert_eq(BY_RATIOS(3000000, 0.8, 0.1, 0.1), 0);
    EXPECT_SIZES(2400000, 300000, 300000);
    cr_assert_eq(BY_RATIOS(7, 1.0), 0);
    EXPECT_SIZES(7);
}

Test(split, halves_round_up)
{
    cr_assert_eq(BY_RATIOS(10, 0.25), 0);
    EXPECT_SIZES(3);
    cr_assert_eq(BY_RATIOS(10, 0.125), 0);
    EXPECT_SIZES(1);
}

Test(split, what_rounding_takes_too_many_goes_in_turns)
{
    cr_assert_eq(BY_RATIOS(5, 0.5, 0.5), 0);
    EXPECT_SIZES(2, 3);
    cr_assert_eq(BY_RATIOS(6, 0.25, 0.25, 0.25, 0.25), 0); /* 2 2 2 2 */
    EXPECT_SIZES(1, 1, 2, 2);
}

Test(split, what_rounding_loses_comes_back_in_turns)
{
    cr_assert_eq(BY_RATIOS(10, 1.0 / 3, 1.0 / 3, 1.0 / 3), 0); /* 3 3 3 */
    EXPECT_SIZES(4, 3, 3);
    cr_assert_eq(BY_RATIOS(9, 0.25, 0.25, 0.25, 0.25), 0); /* 2 2 2 2 */
    EXPECT_SIZES(3, 2, 2, 2);
    /* Ten tenths are a little less than one. */
    cr_assert_eq(BY_RATIOS(14, .1, .1, .1, .1, .1, .1, .1, .1, .1, .1), 0);
    EXPECT_SIZES(2, 2, 2, 2, 1, 1, 1, 1, 1, 1);
    /* Where the ratios are less than the whole, the rest is dropped. */
    cr_assert_eq(BY_RATIOS(10, 0.33, 0.33, 0.2), 0);
    EXPECT_SIZES(3, 3, 2);
    /* Half a row less is not the whole. */
    cr_assert_eq(BY_RATIOS(8, 0.4375, 0.5), 0); /* 3.5 4 */
    EXPECT_SIZES(4, 4);
    cr_assert_eq(BY_RATIOS(16, 0.25, 0.71875), 0); /* 4 11.5, together 15.5 */
    EXPECT_SIZES(4, 12);
    cr_assert_eq(BY_RATIOS(16, 0.25, 0.703125), 0); /* 4 11.25, together 15.25 */
    EXPECT_SIZES(4, 11);
    cr_assert_eq(BY_RATIOS(100, 0.25, 0.7475), 0); /* 25 74.75 */
    EXPECT_SIZES(25, 75);
    cr_assert_eq(BY_RATIOS(16, 0.3125, 0.326171875, 0.337890625), 0); /* 5 5.21875 5.40625 */
    EXPECT_SIZES(6, 5, 5);
}

Test(split, ratios_of_very_many_rows_take_no_more_than_there_are)
{
    uint64_t rows = UINT64_C(1) << 63;
    cr_assert_eq(BY_RATIOS(rows, 0.5, 0.5), 0);
    EXPECT_SIZES(rows / 2, rows / 2);
    cr_assert_eq(BY_RATIOS(rows - 1, 0.7, 0.2, 0.1), 0);
    cr_expect_leq(sizes[0] + sizes[1] + sizes[2], rows - 1);
    memset(sizes, 0xee, sizeof sizes);
    cr_assert_eq(BY_RATIOS((UINT64_C(1) << 53) + 1, 1.0), 0); /* not a double */
    EXPECT_SIZES((UINT64_C(1) << 53) + 1);
}

Test(split, wrong_ratios)
{
    expect_error(BY_RATIOS(100, 0.5, 1.5),
                 "Split percentages must be between 0.0 and 1.0 (ratios[1] is 1.5)");
    expect_error(BY_RATIOS(100, -0.1, 0.5),
                 "Split percentages must be between 0.0 and 1.0 (ratios[0] is -0.1)");
    expect_error(BY_RATIOS(100, (double)NAN),
                 "Split percentages must be between 0.0 and 1.0 (ratios[0] is nan)");
    expect_error(BY_RATIOS(100, 0.001),
                 "One of the splits has 0.1% of 100 rows which rounds to 0 rows (ratios[0])");
    /* Though it would round to 1. */
    expect_error(BY_RATIOS(100, 0.5, 0.007),
                 "One of the splits has 0.7% of 100 rows which rounds to 0 rows (ratios[1])");
    expect_error(BY_RATIOS(0, 1.0),
                 "One of the splits has 100% of 0 rows which rounds to 0 rows (ratios[0])");
    expect_error(BY_RATIOS(100, 0.75, 0.5),
                 "Split percentages must sum to 1.0 or less (ratios sum to 1.25)");
    /* Each ratio is looked at before the sum is. */
    expect_error(BY_RATIOS(100, 0.75, 0.75, 0.001),
                 "One of the splits has 0.1% of 100 rows which rounds to 0 rows (ratios[2])");
    expect_error(by_ratios(100, 0, NULL), "Splits must be at least 1 (ratios is empty)");
}

Test(split, counts_stay_as_they_are)
{
    cr_assert_eq(BY_COUNTS(50, 5, 15, 10), 0);
    EXPECT_SIZES(5, 15, 10);
    cr_assert_eq(BY_COUNTS(50, 50), 0);
    EXPECT_SIZES(50);
}

Test(split, wrong_counts)
{
    expect_error(BY_COUNTS(50, 30, 21),
                 "Split counts specified 51 rows but only 50 are available (counts)");
    expect_error(BY_COUNTS(50, 5, 0), "Split counts must be greater than 0 (counts[1])");
    /* The sum is looked at first. */
    expect_error(BY_COUNTS(50, 0, 51),
                 "Split counts specified 51 rows but only 50 are available (counts)");
    expect_error(BY_COUNTS(50, UINT64_MAX, 2),
                 "Split counts specified 2^64 rows or more but only 50 are available (counts)");
    expect_error(by_counts(50, 0, NULL), "Splits must be at least 1 (counts is empty)");
}

Test(split, fixed_drops_what_is_left)
{
    cr_assert_eq(fixed(50, 3), 0);
    EXPECT_SIZES(16, 16, 16);
    cr_assert_eq(fixed(10, 3), 0);
    EXPECT_SIZES(3, 3, 3);
    cr_assert_eq(fixed(100, 4), 0);
    EXPECT_SIZES(25, 25, 25, 25);
    cr_assert_eq(fixed(3, 3), 0);
    EXPECT_SIZES(1, 1, 1);
}

Test(split, wrong_fixed)
{
    expect_error(fixed(100, 150),
                 "Split fixed config specified 150 splits but only 100 rows are available.  Must "
                 "have at least 1 row per split. (fixed)");
    expect_error(fixed(0, 1), "Split fixed config specified 1 splits but only 0 rows are "
                              "available.  Must have at least 1 row per split. (fixed)");
    expect_error(fixed(100, 0), "Splits must be at least 1 (fixed is 0)");
}

Test(split, one_way_must_be_chosen)
{
    struct forkloader_split split = {.count = 1};
    expect_error(forkloader_split_sizes(&split, 10, sizes, &error),
                 "Exactly one of 'ratios', 'counts', or 'fixed' must be provided");
    cr_expect_eq(forkloader_split_sizes(&split, 10, sizes, NULL), EINVAL);
}
