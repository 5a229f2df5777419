/*
 * The sizes of splits, each way that a caller may tell them. Pure.
 *
 * Each way checks before it writes. The sizes are LanceDB's to the row, and so are the errors: its
 * words first, then the argument that they are about. What makes LanceDB panic is an error of the
 * same kind here: no splits at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forkloader.h"
#include "loader/base/error.h"
#include "loader/base/public.h"

#include <errno.h>
#include <inttypes.h>

/* A product that no compiler may fuse with what comes after it: the sizes are the same on machines
   that have a fused multiplication and on those that have not. */
static double product(double a, double b)
{
    volatile double rounded = a * b;
    return rounded;
}

/* To the nearest, halves away from zero; not negative, 2^64 at most. */
static uint64_t nearest(double number)
{
    if (number >= 0x1p64)
        return UINT64_MAX;
    uint64_t below = (uint64_t)number;
    return below + (number - (double)below >= 0.5);
}

static int check_ratios(const double *ratios, uint64_t count, uint64_t rows, double *sum,
                        struct forkloader_error *error)
{
    *sum = 0;
    if (!count)
        return fl_fail(error, EINVAL, "Splits must be at least 1 (ratios is empty)");
    for (uint64_t i = 0; i < count; i++) {
        if (!(ratios[i] >= 0 && ratios[i] <= 1)) /* a NaN neither */
            return fl_fail(error, EINVAL,
                           "Split percentages must be between 0.0 and 1.0 (ratios[%" PRIu64
                           "] is %.15g)",
                           i, ratios[i]);
        /* Even 0.7 of a row is refused, which would round to 1. */
        if (product(ratios[i], (double)rows) < 1)
            return fl_fail(error, EINVAL,
                           "One of the splits has %.15g%% of %" PRIu64
                           " rows which rounds to 0 rows (ratios[%" PRIu64 "])",
                           ratios[i] * 100, rows, i);
        *sum += ratios[i];
    }
    if (*sum > 1)
        return fl_fail(error, EINVAL,
                       "Split percentages must sum to 1.0 or less (ratios sum to %.17g)", *sum);
    return 0;
}

static int by_ratios(const double *ratios, uint64_t count, uint64_t rows, uint64_t *sizes,
                     struct forkloader_error *error)
{
    double sum;
    int failure = check_ratios(ratios, count, rows, &sum, error);
    if (failure)
        return failure;

    /* Modulo 2^64 until the excess is gone: only the difference counts. */
    uint64_t taken = 0;
    for (uint64_t i = 0; i < count; i++)
        taken += sizes[i] = nearest(product(ratios[i], (double)rows));

    /* Rounding takes too many: one less from each in turn. */
    for (uint64_t i = 0; (int64_t)(taken - rows) > 0; i = (i + 1) % count) {
        if (sizes[i] > 0) {
            sizes[i]--;
            taken--;
        }
    }
    /* It loses some, though the ratios are the whole: one more for each in turn. */
    double lost = (double)rows - product(sum, (double)rows);
    bool whole = lost > -0.5 && lost < 0.5;
    for (uint64_t i = 0; whole && (int64_t)(taken - rows) < 0; i = (i + 1) % count) {
        sizes[i]++;
        taken++;
    }
    return 0;
}

static int by_counts(const uint64_t *counts, uint64_t count, uint64_t rows, uint64_t *sizes,
                     struct forkloader_error *error)
{
    uint64_t sum = 0;
    if (!count)
        return fl_fail(error, EINVAL, "Splits must be at least 1 (counts is empty)");
    for (uint64_t i = 0; i < count; i++) {
        if (counts[i] > UINT64_MAX - sum)
            return fl_fail(error, EINVAL,
                           "Split counts specified 2^64 rows or more but only %" PRIu64
                           " are available (counts)",
                           rows);
        sum += counts[i];
    }
    if (sum > rows)
        return fl_fail(error, EINVAL,
                       "Split counts specified %" PRIu64 " rows but only %" PRIu64
                       " are available (counts)",
                       sum, rows);
    for (uint64_t i = 0; i < count; i++)
        if (counts[i] == 0)
            return fl_fail(error, EINVAL,
                           "Split counts must be greater than 0 (counts[%" PRIu64 "])", i);
    for (uint64_t i = 0; i < count; i++)
        sizes[i] = counts[i];
    return 0;
}

static int fixed(uint64_t count, uint64_t rows, uint64_t *sizes, struct forkloader_error *error)
{
    if (!count)
        return fl_fail(error, EINVAL, "Splits must be at least 1 (fixed is 0)");
    if (count > rows)
        return fl_fail(error, EINVAL,
                       "Split fixed config specified %" PRIu64 " splits but only %" PRIu64
                       " rows are available.  Must have at least 1 row per split. (fixed)",
                       count, rows);
    for (uint64_t i = 0; i < count; i++)
        sizes[i] = rows / count;
    return 0;
}

FL_PUBLIC int forkloader_split_sizes(const struct forkloader_split *split, uint64_t rows,
                                     uint64_t *sizes, struct forkloader_error *error)
{
    switch (split->by) {
    case FORKLOADER_SPLIT_RATIOS:
        return by_ratios(split->ratios, split->count, rows, sizes, error);
    case FORKLOADER_SPLIT_COUNTS:
        return by_counts(split->counts, split->count, rows, sizes, error);
    case FORKLOADER_SPLIT_FIXED:
        return fixed(split->count, rows, sizes, error);
    }
    return fl_fail(error, EINVAL, "Exactly one of 'ratios', 'counts', or 'fixed' must be provided");
}
