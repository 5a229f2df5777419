/*
 * Takes picked elements of the batches' arrays into one new array.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_TAKE_H
#define FL_TAKE_H

#include "loader/table/picks.h"

/*
 * `out` must hold nothing. On an error it holds nothing again, and the message names the column.
 * From a checked array nothing outside of it is read.
 */
int fl_take(const struct fl_field *field, const struct fl_picks *picks, struct ArrowArray *out,
            struct forkloader_error *error);

/*
 * A class: fills in an array that is made, has its length, validity and null count, and room for
 * the class's buffers and children. On an error the caller releases the array.
 */
typedef int fl_take_class(const struct fl_field *field, const struct fl_picks *picks,
                          struct ArrowArray *out, struct forkloader_error *error);

fl_take_class fl_take_boolean;
fl_take_class fl_take_fixed;
fl_take_class fl_take_binary;
fl_take_class fl_take_views;
fl_take_class fl_take_list;
fl_take_class fl_take_list_view;
fl_take_class fl_take_fixed_list;
fl_take_class fl_take_struct;
fl_take_class fl_take_sparse_union;
fl_take_class fl_take_dense_union;
fl_take_class fl_take_run_end;
fl_take_class fl_take_dictionary;

#endif
