/*
 * A table as its batches came: struct arrays of one schema, and where each begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_TABLE_H
#define FL_TABLE_H

#include "forkloader.h"

#include <sys/types.h>

struct forkloader_table {
    struct ArrowSchema schema; /* a struct of the columns */
    struct ArrowArray *batches;
    uint64_t *starts; /* batch_count + 1: the first row of each batch, and their end */
    size_t batch_count;
    pid_t owner; /* who imported it, and alone releases it */
};

/* The batch that a row lies in; the row must exist. */
size_t fl_table_batch_of(const struct forkloader_table *table, uint64_t row);

/* The number of a column, or -1; "a.b" is field b of a struct column a. */
int fl_table_column(const struct forkloader_table *table, const char *name);

#endif
