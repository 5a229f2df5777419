/* See bits.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/bits.h"

#include <string.h>

uint64_t fl_bits_read(const uint8_t *bits, int64_t at, unsigned count)
{
    const uint8_t *from = bits + (at >> 3);
    unsigned shift = (unsigned)(at & 7), bytes = (shift + count + 7) / 8;
    uint64_t word = 0;
    memcpy(&word, from, bytes < 8 ? bytes : 8);
    word >>= shift;
    if (bytes > 8)
        word |= (uint64_t)from[8] << (64 - shift);
    return count < 64 ? word & (((uint64_t)1 << count) - 1) : word;
}

int64_t fl_bits_count(const void *bits, int64_t at, int64_t length)
{
    int64_t ones = 0;
    for (; length > 0; at += 64, length -= 64)
        ones += __builtin_popcountll(fl_bits_read(bits, at, length < 64 ? (unsigned)length : 64));
    return ones;
}
