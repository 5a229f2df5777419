/*
 * Bits, least significant first, at any position.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_BITS_H
#define FL_BITS_H

#include <stdint.h>

/* `count` bits (at most 64) as a word; no byte after that of the last bit is read. */
uint64_t fl_bits_read(const uint8_t *bits, int64_t at, unsigned count);

/* How many of bits [at, at + length) are 1. */
int64_t fl_bits_count(const void *bits, int64_t at, int64_t length);

#endif
