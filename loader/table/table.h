/*
 * A table: batches, which are struct arrays of one schema, and where each begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_TABLE_H
#define FL_TABLE_H

#include "forkloader.h"
#include "loader/base/public.h"

#include <stdatomic.h>
#include <sys/types.h>

struct fl_field;

struct forkloader_table {
    atomic_size_t owners;
    struct ArrowSchema schema; /* a struct of the columns */
    struct ArrowArray *batches;
    uint64_t *starts; /* batch_count + 1: the first row of each batch, and their end */
    size_t batch_count;
    pid_t importer;        /* the process that imported it, and alone releases it */
    struct fl_field *root; /* the schema read, with every batch laid out (loader/arrow/field.h) */
    /* Equal batches of 2^shift rows need no search. In others, row is in one of the batches from
       guesses[row >> shift] to the next guess. */
    bool equal;
    unsigned shift;
    uint32_t *guesses;
};

/* One more owner, who gives it back by forkloader_table_free. */
struct forkloader_table *fl_table_keep(struct forkloader_table *table);

/* Once all batches are there: where each begins, and what finds the batch of a row. */
int fl_table_locate(struct forkloader_table *table, struct forkloader_error *error);

/* The batches of many rows, and where in them. */
void fl_table_find(const struct forkloader_table *table, const uint64_t *rows, size_t count,
                   int64_t *index, uint32_t *batch);

#endif
