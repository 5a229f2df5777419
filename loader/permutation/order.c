/*
 * Rows in splits. A position of a split goes through at most three steps, each of which is a
 * formula unless there is a list:
 *
 *     shuffle    position in the split -> place in it      (perm v1 over the split)
 *     random     place among all       -> place in the table's order  (perm v1 over all)
 *     selected   place                 -> row              (a list, where there is a filter)
 *
 * Where the split of each row was given, the second and third are one list for each split.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/permutation/order.h"

#include "loader/base/error.h"
#include "loader/base/public.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct split {
    uint64_t first, rows; /* its places among all */
    struct forkloader_permutation *shuffle;
};

struct forkloader_order {
    atomic_size_t owners;
    struct split *splits;
    size_t split_count;
    struct forkloader_permutation *random;
    uint64_t *list; /* row of each place; NULL: the place itself */
    bool is_shuffled;
    uint64_t shuffle_seed, shuffle_clump_size;
};

static uint64_t chosen_rows(const struct forkloader_order_options *options)
{
    return options->selected ? options->selected_count : options->rows;
}

static int check(const struct forkloader_order_options *options, struct forkloader_error *error)
{
    uint64_t chosen = chosen_rows(options), sum = 0;
    for (uint64_t i = 0; options->selected && i < chosen; i++) {
        if (options->selected[i] >= options->rows)
            return fl_fail(error, EINVAL, "selected row %llu of %llu rows",
                           (unsigned long long)options->selected[i],
                           (unsigned long long)options->rows);
        if (i && options->selected[i] <= options->selected[i - 1])
            return fl_fail(error, EINVAL, "selected rows must ascend: %llu after %llu",
                           (unsigned long long)options->selected[i],
                           (unsigned long long)options->selected[i - 1]);
    }
    for (size_t i = 0; options->sizes && i < options->split_count; i++) {
        if (options->sizes[i] > chosen - sum)
            return fl_fail(error, EINVAL, "split %zu of %llu rows: only %llu of %llu are left", i,
                           (unsigned long long)options->sizes[i],
                           (unsigned long long)(chosen - sum), (unsigned long long)chosen);
        sum += options->sizes[i];
    }
    for (uint64_t i = 0; options->split_of && i < chosen; i++)
        if (options->split_of[i] < -1 ||
            (options->split_of[i] >= 0 && (size_t)options->split_of[i] >= options->split_count))
            return fl_fail(error, EINVAL, "row %llu is of split %d, there are %zu",
                           (unsigned long long)i, (int)options->split_of[i], options->split_count);
    if (options->sizes && options->split_of)
        return fl_fail(error, EINVAL, "either the sizes of the splits or the split of each row");
    return 0;
}

/* A counting partition: rows keep their order within a split. */
static void partition(struct forkloader_order *order,
                      const struct forkloader_order_options *options)
{
    uint64_t chosen = chosen_rows(options), first = 0;
    for (uint64_t i = 0; i < chosen; i++)
        if (options->split_of[i] >= 0)
            order->splits[options->split_of[i]].rows++;
    for (size_t s = 0; s < order->split_count; s++) {
        order->splits[s].first = first;
        first += order->splits[s].rows;
        order->splits[s].rows = 0;
    }
    for (uint64_t i = 0; i < chosen; i++) {
        if (options->split_of[i] < 0)
            continue;
        struct split *split = &order->splits[options->split_of[i]];
        order->list[split->first + split->rows++] = options->selected ? options->selected[i] : i;
    }
}

static void lay_out(struct forkloader_order *order, const struct forkloader_order_options *options)
{
    uint64_t chosen = chosen_rows(options), first = 0;
    if (options->selected)
        memcpy(order->list, options->selected, chosen * sizeof *order->list);
    for (size_t s = 0; s < order->split_count; s++) {
        order->splits[s].first = first;
        order->splits[s].rows = options->sizes ? options->sizes[s] : chosen;
        first += order->splits[s].rows;
    }
}

static int fill(struct forkloader_order *order, const struct forkloader_order_options *options,
                struct forkloader_error *error)
{
    uint64_t chosen = chosen_rows(options);
    bool has_list = options->selected || options->split_of;
    order->split_count = options->sizes || options->split_of ? options->split_count : 1;
    order->splits = calloc(order->split_count + 1, sizeof *order->splits);
    order->list = has_list ? malloc((chosen + 1) * sizeof *order->list) : NULL;
    if (!order->splits || (has_list && !order->list))
        return fl_fail(error, ENOMEM, "no memory for %llu rows in %zu splits",
                       (unsigned long long)chosen, order->split_count);
    if (options->split_of)
        partition(order, options);
    else
        lay_out(order, options);
    order->is_shuffled = options->is_shuffled;
    order->shuffle_seed = options->shuffle_seed;
    order->shuffle_clump_size = options->shuffle_clump_size;
    int failed = 0;
    if (options->is_random && !options->split_of)
        failed = forkloader_permutation_new(&order->random, chosen, options->random_seed, 0,
                                            options->random_clump_size, error);
    return failed ? failed : forkloader_order_set_epoch(order, 0, error);
}

FL_PUBLIC int forkloader_order_new(struct forkloader_order **order,
                                   const struct forkloader_order_options *options,
                                   struct forkloader_error *error)
{
    *order = NULL;
    int failed = check(options, error);
    struct forkloader_order *made = failed ? NULL : calloc(1, sizeof *made);
    if (!made)
        return failed ? failed : fl_fail(error, ENOMEM, "no memory for an order");
    atomic_init(&made->owners, 1);
    failed = fill(made, options, error);
    if (failed)
        forkloader_order_free(made);
    else
        *order = made;
    return failed;
}

struct forkloader_order *fl_order_keep(struct forkloader_order *order)
{
    atomic_fetch_add_explicit(&order->owners, 1, memory_order_relaxed);
    return order;
}

FL_PUBLIC void forkloader_order_free(struct forkloader_order *order)
{
    if (!order || atomic_fetch_sub_explicit(&order->owners, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t s = 0; order->splits && s < order->split_count; s++)
        forkloader_permutation_free(order->splits[s].shuffle);
    forkloader_permutation_free(order->random);
    free(order->splits);
    free(order->list);
    free(order);
}

FL_PUBLIC size_t forkloader_order_splits(const struct forkloader_order *order)
{
    return order->split_count;
}

FL_PUBLIC uint64_t forkloader_order_rows(const struct forkloader_order *order, size_t split)
{
    return split < order->split_count ? order->splits[split].rows : 0;
}

/* Splits of one size must not be shuffled alike: the number of the split is part of the epoch, and
   there are never 2^24 splits. */
static uint64_t epoch_of_split(uint64_t epoch, size_t split)
{
    return epoch << 24 | split;
}

FL_PUBLIC int forkloader_order_set_epoch(struct forkloader_order *order, uint64_t epoch,
                                         struct forkloader_error *error)
{
    if (epoch >> 40 || order->split_count >> 24)
        return fl_fail(error, EINVAL,
                       "epoch %llu of %zu splits: epochs end at 2^40, splits at 2^24",
                       (unsigned long long)epoch, order->split_count);
    for (size_t s = 0; order->is_shuffled && s < order->split_count; s++) {
        struct forkloader_permutation *shuffle = NULL;
        int failed =
            forkloader_permutation_new(&shuffle, order->splits[s].rows, order->shuffle_seed,
                                       epoch_of_split(epoch, s), order->shuffle_clump_size, error);
        if (failed)
            return failed;
        forkloader_permutation_free(order->splits[s].shuffle);
        order->splits[s].shuffle = shuffle;
    }
    return 0;
}

/* From places in the table's order to rows. */
static void look_up(const struct forkloader_order *order, size_t count, uint64_t *rows)
{
    for (size_t i = 0; order->list && i < count; i++)
        rows[i] = order->list[rows[i]];
}

/* From places in a split to rows. */
static void find_rows(const struct forkloader_order *order, const struct split *split, size_t count,
                      uint64_t *rows)
{
    for (size_t i = 0; i < count; i++)
        rows[i] += split->first;
    if (order->random)
        forkloader_permutation_at(order->random, rows, count, rows);
    look_up(order, count, rows);
}

FL_PUBLIC int forkloader_order_read(const struct forkloader_order *order, size_t split,
                                    uint64_t first, size_t count, uint64_t *rows,
                                    struct forkloader_error *error)
{
    if (split >= order->split_count)
        return fl_fail(error, EINVAL, "split %zu of %zu", split, order->split_count);
    const struct split *of = &order->splits[split];
    if (first > of->rows || count > of->rows - first)
        return fl_fail(error, EINVAL, "positions %llu to %llu of split %zu, which has %llu rows",
                       (unsigned long long)first, (unsigned long long)first + count, split,
                       (unsigned long long)of->rows);
    if (order->random && !of->shuffle) { /* neighbours still, which are faster */
        forkloader_permutation_read(order->random, of->first + first, count, rows);
        look_up(order, count, rows);
        return 0;
    }
    if (of->shuffle)
        forkloader_permutation_read(of->shuffle, first, count, rows);
    for (size_t i = 0; !of->shuffle && i < count; i++)
        rows[i] = first + i;
    find_rows(order, of, count, rows);
    return 0;
}

FL_PUBLIC int forkloader_order_at(const struct forkloader_order *order, size_t split,
                                  const uint64_t *positions, size_t count, uint64_t *rows,
                                  struct forkloader_error *error)
{
    if (split >= order->split_count)
        return fl_fail(error, EINVAL, "split %zu of %zu", split, order->split_count);
    const struct split *of = &order->splits[split];
    for (size_t i = 0; i < count; i++)
        if (positions[i] >= of->rows)
            return fl_fail(error, EINVAL, "position %llu of split %zu, which has %llu rows",
                           (unsigned long long)positions[i], split, (unsigned long long)of->rows);
    if (of->shuffle)
        forkloader_permutation_at(of->shuffle, positions, count, rows);
    else
        memmove(rows, positions, count * sizeof *rows);
    find_rows(order, of, count, rows);
    return 0;
}
