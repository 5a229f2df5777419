/*
 * "hash v1", docs/hash-v1.md: the bytes that stand for a value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_HASH_ENCODE_H
#define FL_HASH_ENCODE_H

#include "loader/cell/cell.h"

struct fl_bytes {
    uint8_t *bytes;
    size_t length, room;
};

/* Appends a cell's encoding; false: no memory. */
bool fl_hash_encode(struct fl_bytes *out, const struct fl_cell *cell);

#endif
