/*
 * An order of rows: the public handle, and what the tests may choose.
 *
 * The order is one of clumps. Below `table_below` clumps it is a table; from there on a bijection
 * without one (feistel.h). Only the last clump may be short. It may land anywhere and moves all
 * that come after it, so the handle keeps where it lands: that is all it takes to go from positions
 * to rows and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_PERMUTATION_H
#define FL_PERMUTATION_H

#include "forkloader.h"
#include "loader/permutation/feistel.h"

struct forkloader_permutation {
    uint64_t count;
    uint64_t clump_size;
    uint64_t clump_count;
    uint64_t last_size;     /* rows of the last clump */
    uint64_t last_slot;     /* where the last clump lands, in clumps */
    uint64_t last_position; /* and in rows */
    struct fl_divider by_clump;
    struct fl_feistel feistel; /* from `table_below` clumps on */
    bool has_table;
    uint16_t table[]; /* clump by slot; then slot by clump */
};

struct fl_permutation_how {
    uint64_t table_below; /* 65,536 at most */
    enum fl_path path;    /* the fastest that may be taken */
};

/* What perm v1 is made of. */
#define FL_PERMUTATION_V1                       \
    (struct fl_permutation_how)                 \
    {                                           \
        .table_below = 65536, .path = FL_AVX512 \
    }

/* forkloader_permutation_new with a choice. Another `table_below` is another order. */
int fl_permutation_new(struct forkloader_permutation **permutation, uint64_t count, uint64_t seed,
                       uint64_t epoch, uint64_t clump_size, struct fl_permutation_how how,
                       struct forkloader_error *error);

#endif
