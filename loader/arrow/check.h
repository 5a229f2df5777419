/*
 * Checks of a producer's array against its schema and against itself, so that no later read leaves
 * its buffers.
 *
 * Lengths, offsets and null counts; how many buffers and children there are, and that none is NULL
 * where there must be data; that children are as long as their parents need them; and in the data
 * every reference to other data: offsets, views, type ids, run ends, indices of dictionaries.
 *
 * The C Data Interface does not tell how long buffers are, except those that views point into. That
 * each is as long as the array's length, offset and last offset require is trusted; so are
 * the strings and metadata of schemas, and that no buffer is written to afterwards. Text is not
 * checked for UTF-8, nor a decimal against its precision: no reader here depends on them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_CHECK_H
#define FL_CHECK_H

#include "loader/arrow/field.h"

/* A batch against the root of its schema: 0, or EINVAL with column, batch and thing. */
int fl_check(const struct fl_field *root, const struct ArrowArray *array, size_t batch,
             struct forkloader_error *error);

/* One array, while it is checked. */
struct fl_checked {
    const struct fl_field *field;
    const struct ArrowArray *array;
    size_t batch;
    struct forkloader_error *error;
};

/* EINVAL; the message begins with the column and the batch. */
__attribute__((format(printf, 2, 3))) int fl_check_failed(const struct fl_checked *checked,
                                                          const char *format, ...);

/* References to other data, in arrays whose buffers and children are there (check_data.c). */
int fl_check_offsets(const struct fl_checked *checked);
int fl_check_list_views(const struct fl_checked *checked);
int fl_check_views(const struct fl_checked *checked);
int fl_check_type_ids(const struct fl_checked *checked);
int fl_check_run_ends(const struct fl_checked *checked);
int fl_check_indices(const struct fl_checked *checked);

#endif
