/*
 * A keyed bijection of [0, count) that needs no table: a generalised Feistel network on a rectangle
 * of `wide` * `high` >= count cells, and cycle walking for the few cells that are too many (Black
 * and Rogaway, "Ciphers with arbitrary finite domains", 2002).
 *
 * docs/perm-v1.md defines it. Value by value, feistel.c is that definition in C; the other paths
 * give the same numbers faster.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_FEISTEL_H
#define FL_FEISTEL_H

#include "loader/permutation/divider.h"

#include <stdbool.h>
#include <stddef.h>

enum { FL_ROUNDS = 8 };

#define FL_FEISTEL_MOST (UINT64_C(1) << 63)
/* The mixing of the round function is the end of lowbias32
   (https://github.com/skeeto/hash-prospector). */
#define FL_MIX UINT32_C(0x846ca68b)

/* How a read goes, the slowest first. */
enum fl_path { FL_SINGLE, FL_PLAIN, FL_AVX2, FL_AVX512 };

struct fl_feistel {
    uint64_t count;
    uint32_t wide, high; /* wide = ceil(sqrt(count)), high = ceil(count / wide) <= wide */
    uint32_t add[FL_ROUNDS], multiply[FL_ROUNDS];
    struct fl_divider by_wide;
    enum fl_path path;
};

/* The stream of random numbers that a permutation of `count` is made from: splitmix64, keyed. */
uint64_t fl_stream_start(uint64_t seed, uint64_t epoch, uint64_t count);
uint64_t fl_stream_next(uint64_t *stream);

/* The count is 1 to FL_FEISTEL_MOST. `path` is the fastest that may be taken; a slower one is where
   the processor or the count asks for it. */
void fl_feistel_init(struct fl_feistel *feistel, uint64_t count, uint64_t stream,
                     enum fl_path path);

/* The value at a position. The position may lie in the rectangle beyond the count. */
uint64_t fl_feistel_at(const struct fl_feistel *feistel, uint64_t position);

/* The position of a value. */
uint64_t fl_feistel_find(const struct fl_feistel *feistel, uint64_t value);

/* The values at positions [first, first + count), one by one. */
void fl_feistel_read_singles(const struct fl_feistel *feistel, uint64_t first, size_t count,
                             uint64_t *values);

/* The same, and the values at any positions, in groups of FL_GROUP where the handle's path has them
   (feistel_groups.c); `values` may be `positions`. */
enum { FL_GROUP = 64 };
void fl_feistel_read(const struct fl_feistel *feistel, uint64_t first, size_t count,
                     uint64_t *values);
void fl_feistel_at_all(const struct fl_feistel *feistel, const uint64_t *positions, size_t count,
                       uint64_t *values);

/* Can this processor take that path? */
bool fl_feistel_has(enum fl_path path);

#endif
