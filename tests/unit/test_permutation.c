/* Tests of permutation.c and feistel*.c of loader/permutation. SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "loader/permutation/permutation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_OFF = 0, FEW = 65536 };

static const enum fl_path FASTEST = FL_AVX512;

static struct forkloader_permutation *made(uint64_t count, uint64_t seed, uint64_t epoch,
                                           uint64_t clump_size, uint64_t table_below,
                                           enum fl_path path)
{
    struct forkloader_permutation *permutation;
    struct fl_permutation_how how = {.table_below = table_below, .path = path};
    cr_assert_eq(fl_permutation_new(&permutation, count, seed, epoch, clump_size, how, NULL), 0);
    return permutation;
}

/* All rows, in turns of `turn`. */
static uint64_t *all_of(const struct forkloader_permutation *permutation, size_t turn)
{
    size_t count = (size_t)forkloader_permutation_count(permutation);
    uint64_t *rows = malloc((count + 1) * sizeof *rows);
    for (size_t first = 0; first < count; first += turn)
        forkloader_permutation_read(permutation, first, count - first < turn ? count - first : turn,
                                    rows + first);
    return rows;
}

/* Every row once, and found where it stands. */
static void expect_bijection(const struct forkloader_permutation *permutation, const char *what)
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

/* Clumps. */

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

/* What the caller gets wrong. */

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

/* The vectors of the definition. */

static uint64_t number(const char **text)
{
    char *end;
    uint64_t value = strtoull(*text, &end, 10);
    cr_assert_neq(end, *text, "a number is missing: %s", *text);
    *text = end;
    return value;
}

static bool more(const char *text)
{
    return text[strspn(text, " ")] != 0;
}

static void check_stream(uint64_t stream, const char *text)
{
    while (more(text)) {
        char *end;
        uint64_t expected = strtoull(text, &end, 16);
        cr_assert_eq(fl_stream_next(&stream), expected, "%s", text);
        text = end;
    }
}

static void check_rows(const struct forkloader_permutation *permutation, const char *text)
{
    uint64_t count = forkloader_permutation_count(permutation);
    for (uint64_t position = 0; position < count; position++) {
        uint64_t row;
        forkloader_permutation_read(permutation, position, 1, &row);
        cr_assert_eq(row, number(&text), "position %lu of %lu", position, count);
    }
    cr_assert(!more(text));
}

static void check_at(const struct forkloader_permutation *permutation, const char *text)
{
    while (more(text)) {
        uint64_t position = number(&text), row;
        cr_assert_eq(*text++, ':');
        uint64_t expected = number(&text);
        forkloader_permutation_read(permutation, position, 1, &row);
        cr_assert_eq(row, expected, "position %lu", position);
        cr_assert_eq(forkloader_permutation_find(permutation, expected), position);
    }
}

static void check_sum(const struct forkloader_permutation *permutation, const char *text)
{
    uint64_t count = forkloader_permutation_count(permutation), sum = 0;
    uint64_t *rows = all_of(permutation, 1000);
    for (uint64_t position = 0; position < count; position++)
        sum += (position + 1) * rows[position];
    free(rows);
    cr_assert_eq(sum, number(&text));
}

static void check_line(const char *line)
{
    const char *text = line;
    uint64_t count = number(&text), seed = number(&text), epoch = number(&text);
    uint64_t size = number(&text);
    for (enum fl_path path = FL_SINGLE; path <= FASTEST; path++) {
        char word[8] = "";
        int length = 0;
        cr_assert_eq(sscanf(text, "%7s%n", word, &length), 1, "%s", line);
        const char *rest = text + length;
        struct forkloader_permutation *permutation = made(count, seed, epoch, size, FEW, path);
        if (strcmp(word, "stream") == 0)
            check_stream(fl_stream_start(seed, epoch, count), rest);
        else if (strcmp(word, "rows") == 0)
            check_rows(permutation, rest);
        else if (strcmp(word, "at") == 0)
            check_at(permutation, rest);
        else if (strcmp(word, "sum") == 0)
            check_sum(permutation, rest);
        else
            cr_assert_fail("%s", line);
        forkloader_permutation_free(permutation);
    }
}

Test(permutation, the_vectors_of_the_definition)
{
    static char line[2000], next[2000];
    int checked = 0;
    bool within = false;
    FILE *page = fopen("docs/perm-v1.md", "r");
    cr_assert(page, "docs/perm-v1.md");
    line[0] = 0;
    while (fgets(next, sizeof next, page)) {
        next[strcspn(next, "\n")] = 0;
        if (!within) {
            within = strcmp(next, "```vectors") == 0;
        } else if (next[0] == ' ') {
            cr_assert_lt(strlen(line) + strlen(next), sizeof line);
            strcat(line, next);
        } else {
            if (line[0]) {
                check_line(line);
                checked++;
            }
            strcpy(line, next);
            if (strcmp(next, "```") == 0)
                break;
        }
    }
    fclose(page);
    cr_expect_eq(checked, 59, "%d vectors", checked);
}
