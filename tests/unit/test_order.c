/* Tests of loader/permutation/order.c and order_stream.c. SPDX-License-Identifier: Apache-2.0 */
#include "forkloader.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct forkloader_error error;

static struct forkloader_order *make(struct forkloader_order_options options)
{
    struct forkloader_order *order;
    cr_assert_eq(forkloader_order_new(&order, &options, &error), 0, "%s", error.message);
    return order;
}

static uint64_t *read_all(const struct forkloader_order *order, size_t split)
{
    size_t count = (size_t)forkloader_order_rows(order, split);
    uint64_t *rows = malloc((count + 1) * sizeof *rows);
    cr_assert_eq(forkloader_order_read(order, split, 0, count, rows, &error), 0);
    return rows;
}

static void expect_error(struct forkloader_order_options options, const char *words)
{
    struct forkloader_order *order;
    cr_expect_eq(forkloader_order_new(&order, &options, &error), EINVAL);
    cr_expect_null(order);
    cr_expect(strstr(error.message, words), "%s", error.message);
}

/* How often each row of `rows` is in the splits. */
static unsigned *count_rows(const struct forkloader_order *order, uint64_t rows)
{
    unsigned *seen = calloc(rows, sizeof *seen);
    for (size_t s = 0; s < forkloader_order_splits(order); s++) {
        uint64_t *read = read_all(order, s);
        for (uint64_t i = 0; i < forkloader_order_rows(order, s); i++)
            seen[read[i]]++;
        free(read);
    }
    return seen;
}

Test(order, without_options_it_is_the_table)
{
    struct forkloader_order *order = make((struct forkloader_order_options){.rows = 5});
    uint64_t *rows = read_all(order, 0);
    cr_expect_eq(forkloader_order_splits(order), 1);
    for (uint64_t i = 0; i < 5; i++)
        cr_expect_eq(rows[i], i);
    free(rows);
    forkloader_order_free(order);
}

Test(order, splits_in_sequence_and_what_is_left_over)
{
    const uint64_t sizes[] = {2, 0, 3};
    struct forkloader_order *order =
        make((struct forkloader_order_options){.rows = 7, .sizes = sizes, .split_count = 3});
    uint64_t *last = read_all(order, 2);
    cr_expect_eq(forkloader_order_rows(order, 0), 2);
    cr_expect_eq(forkloader_order_rows(order, 1), 0);
    cr_expect(last[0] == 2 && last[2] == 4);
    cr_expect_eq(forkloader_order_rows(order, 3), 0);
    free(last);
    forkloader_order_free(order);
}

Test(order, at_random_each_row_is_in_one_split)
{
    static const uint64_t SIZES[] = {300, 700, 1};
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        struct forkloader_order *order =
            make((struct forkloader_order_options){.rows = 1001,
                                                   .sizes = SIZES,
                                                   .split_count = 3,
                                                   .is_random = true,
                                                   .random_seed = 7,
                                                   .random_clump_size = 1,
                                                   .is_shuffled = shuffled,
                                                   .shuffle_seed = 9,
                                                   .shuffle_clump_size = 1});
        unsigned *seen = count_rows(order, 1001);
        for (int i = 0; i < 1001; i++)
            cr_expect_eq(seen[i], 1);
        free(seen);
        forkloader_order_free(order);
    }
}

Test(order, a_shuffle_leaves_each_row_in_its_split)
{
    static const uint64_t SIZES[] = {100, 100};
    struct forkloader_order *order =
        make((struct forkloader_order_options){.rows = 200,
                                               .sizes = SIZES,
                                               .split_count = 2,
                                               .is_shuffled = true,
                                               .shuffle_seed = 1,
                                               .shuffle_clump_size = 1});
    uint64_t *first = read_all(order, 0), *second = read_all(order, 1);
    int alike = 0, moved = 0;
    for (int i = 0; i < 100; i++) {
        cr_expect(first[i] < 100 && second[i] >= 100);
        alike += first[i] == second[i] - 100;
        moved += first[i] != (uint64_t)i;
    }
    cr_expect(alike < 10, "splits of one size are shuffled each in its own way");
    cr_expect(moved > 90);
    free(first), free(second);
    forkloader_order_free(order);
}

Test(order, epochs_differ_and_come_again)
{
    struct forkloader_order *order = make((struct forkloader_order_options){
        .rows = 500, .is_shuffled = true, .shuffle_seed = 3, .shuffle_clump_size = 1});
    uint64_t *zero = read_all(order, 0);
    cr_assert_eq(forkloader_order_set_epoch(order, 1, &error), 0);
    uint64_t *one = read_all(order, 0);
    cr_assert_eq(forkloader_order_set_epoch(order, 0, &error), 0);
    uint64_t *again = read_all(order, 0);
    cr_expect_neq(memcmp(zero, one, 500 * sizeof *zero), 0);
    cr_expect_eq(memcmp(zero, again, 500 * sizeof *zero), 0);
    cr_expect_eq(forkloader_order_set_epoch(order, 1ULL << 40, &error), EINVAL);
    free(zero), free(one), free(again);
    forkloader_order_free(order);
}

Test(order, the_split_of_each_row_keeps_the_order_of_the_table)
{
    const int32_t split_of[] = {1, 0, -1, 1, 0};
    const uint64_t selected[] = {10, 20, 30, 40, 50};
    struct forkloader_order *order = make((struct forkloader_order_options){.rows = 60,
                                                                            .selected = selected,
                                                                            .selected_count = 5,
                                                                            .split_of = split_of,
                                                                            .split_count = 3});
    uint64_t *zero = read_all(order, 0), *one = read_all(order, 1);
    cr_expect(forkloader_order_rows(order, 0) == 2 && zero[0] == 20 && zero[1] == 50);
    cr_expect(forkloader_order_rows(order, 1) == 2 && one[0] == 10 && one[1] == 40);
    cr_expect_eq(forkloader_order_rows(order, 2), 0);
    free(zero), free(one);
    forkloader_order_free(order);
}

Test(order, every_window_reads_the_same)
{
    static const uint64_t SIZES[] = {3000, 5000};
    struct forkloader_order *order =
        make((struct forkloader_order_options){.rows = 8000,
                                               .sizes = SIZES,
                                               .split_count = 2,
                                               .is_random = true,
                                               .random_seed = 1,
                                               .random_clump_size = 16,
                                               .is_shuffled = true,
                                               .shuffle_seed = 2,
                                               .shuffle_clump_size = 5});
    uint64_t *all = read_all(order, 1), part[700];
    for (uint64_t first = 0; first < 4300; first += 611) {
        cr_assert_eq(forkloader_order_read(order, 1, first, 700, part, &error), 0);
        cr_expect_eq(memcmp(part, all + first, sizeof part), 0);
    }
    free(all);
    forkloader_order_free(order);
}

Test(order, any_positions_are_what_the_windows_say)
{
    static const uint64_t SIZES[] = {3000, 5000};
    struct forkloader_order *order =
        make((struct forkloader_order_options){.rows = 8000,
                                               .sizes = SIZES,
                                               .split_count = 2,
                                               .is_random = true,
                                               .random_seed = 4,
                                               .random_clump_size = 3,
                                               .is_shuffled = true,
                                               .shuffle_seed = 5,
                                               .shuffle_clump_size = 1});
    uint64_t *all = read_all(order, 1), positions[2000], rows[2000];
    for (uint64_t i = 0; i < 2000; i++)
        positions[i] = i < 1000 ? i * 7919 % 5000 : i; /* scattered, then neighbours */
    cr_assert_eq(forkloader_order_at(order, 1, positions, 2000, rows, &error), 0);
    for (int i = 0; i < 2000; i++)
        cr_assert_eq(rows[i], all[positions[i]]);
    positions[3] = 5000;
    cr_expect_eq(forkloader_order_at(order, 1, positions, 2000, rows, &error), EINVAL);
    cr_expect(strstr(error.message, "position 5000 of split 1, which has 5000 rows"));
    free(all);
    forkloader_order_free(order);
}

Test(order, what_is_wrong_is_named)
{
    const uint64_t large[] = {3, 3}, falling[] = {2, 1}, beyond[] = {9};
    const int32_t split_of[] = {0, 2};
    expect_error((struct forkloader_order_options){.rows = 5, .sizes = large, .split_count = 2},
                 "split 1 of 3 rows: only 2 of 5 are left");
    expect_error(
        (struct forkloader_order_options){.rows = 5, .selected = falling, .selected_count = 2},
        "selected rows must ascend: 1 after 2");
    expect_error(
        (struct forkloader_order_options){.rows = 5, .selected = beyond, .selected_count = 1},
        "selected row 9 of 5 rows");
    expect_error(
        (struct forkloader_order_options){.rows = 2, .split_of = split_of, .split_count = 2},
        "row 1 is of split 2, there are 2");
    expect_error((struct forkloader_order_options){.rows = 5, .is_shuffled = true}, "clump");
}

Test(order, positions_that_are_none_are_named)
{
    struct forkloader_order *order = make((struct forkloader_order_options){.rows = 5});
    uint64_t rows[6];
    cr_expect_eq(forkloader_order_read(order, 0, 0, 6, rows, &error), EINVAL);
    cr_expect(strstr(error.message, "positions 0 to 6 of split 0, which has 5 rows"));
    cr_expect_eq(forkloader_order_read(order, 0, 6, 0, rows, &error), EINVAL);
    cr_expect_eq(forkloader_order_read(order, 0, 5, 0, rows, &error), 0);
    cr_expect_eq(forkloader_order_read(order, 1, 0, 0, rows, &error), EINVAL);
    cr_expect_eq(forkloader_order_read(order, 0, UINT64_MAX, 1, rows, NULL), EINVAL);
    forkloader_order_free(order);
}

Test(order, the_stream_has_every_row_and_its_split)
{
    static const uint64_t SIZES[] = {600000, 0, 30};
    const char *const names[] = {"train", "none", "te\"st"};
    struct forkloader_order *order =
        make((struct forkloader_order_options){.rows = 600040, .sizes = SIZES, .split_count = 3});
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray batch;
    cr_assert_eq(forkloader_order_export(order, names, &stream, &error), 0);
    forkloader_order_free(order); /* the stream has a share of it */
    cr_assert_eq(stream.get_schema(&stream, &schema), 0);
    cr_expect_str_eq(schema.children[0]->name, "row_id");
    cr_expect_eq(schema.children[1]->flags & ARROW_FLAG_NULLABLE, 0);
    cr_expect_not_null(schema.metadata);
    uint64_t expected = 0;
    while (stream.get_next(&stream, &batch) == 0 && batch.release) {
        const uint64_t *ids = batch.children[0]->buffers[1],
                       *splits = batch.children[1]->buffers[1];
        for (int64_t i = 0; i < batch.length; i++, expected++)
            cr_assert(ids[i] == expected && splits[i] == (expected < 600000 ? 0u : 2u));
        batch.release(&batch);
    }
    cr_expect_eq(expected, 600030);
    schema.release(&schema);
    stream.release(&stream);
}

Test(order, a_column_of_a_batch_outlives_its_stream)
{
    struct forkloader_order *order = make((struct forkloader_order_options){.rows = 600000});
    struct ArrowArrayStream stream;
    struct ArrowArray batch, split_ids;
    cr_assert_eq(forkloader_order_export(order, NULL, &stream, &error), 0);
    cr_assert_eq(stream.get_next(&stream, &batch), 0);
    split_ids = *batch.children[1];
    batch.children[1]->release = NULL; /* moved */
    batch.release(&batch);
    cr_assert_eq(stream.get_next(&stream, &batch), 0);
    cr_expect_eq(batch.length + split_ids.length, 600000);
    batch.release(&batch);
    stream.release(&stream);
    forkloader_order_free(order);
    const uint64_t *ids = split_ids.buffers[1];
    cr_expect(ids[0] == 0 && ids[split_ids.length - 1] == 0);
    split_ids.release(&split_ids);
}
