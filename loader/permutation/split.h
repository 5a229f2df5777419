/*
 * The sizes of splits, each way that a caller may tell them. Pure.
 *
 * They are LanceDB's to the row, and so are the errors: its words first, then the argument that
 * they are about. What makes LanceDB panic is an error of the same kind here: no splits at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SPLIT_H
#define FL_SPLIT_H

#include "forkloader.h"

/* Each checks before it writes `sizes`, which has room for all. */
int fl_split_by_ratios(const double *ratios, uint64_t count, uint64_t rows, uint64_t *sizes,
                       struct forkloader_error *error);
int fl_split_by_counts(const uint64_t *counts, uint64_t count, uint64_t rows, uint64_t *sizes,
                       struct forkloader_error *error);
int fl_split_fixed(uint64_t count, uint64_t rows, uint64_t *sizes, struct forkloader_error *error);

#endif
