/*
 * How fast rows can be read from memory, before anything is done with them. A library, so that it
 * reads the very pages that the loader reads. SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdint.h>

enum { LINE = 64, AHEAD = 14 };

static inline void prefetch(const char *row, size_t width)
{
    for (size_t at = 0; at < width; at += LINE)
        __builtin_prefetch(row + at);
}

/* The sum of one word of each cache line of these rows, so that none is left out. */
static inline uint32_t sum(const char *column, size_t width, const uint64_t *rows, size_t count)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count)
            prefetch(column + rows[i + AHEAD] * width, width);
        for (size_t at = 0; at < width; at += LINE)
            found += *(const uint32_t *)(column + rows[i] * width + at);
    }
    return found;
}

/* Rows of `width` bytes, a multiple of 4. */
uint32_t random_read(const char *column, size_t width, const uint64_t *rows, size_t count)
{
    switch (width) { /* each made for a constant width */
    case 4:
        return sum(column, 4, rows, count);
    case 8:
        return sum(column, 8, rows, count);
    case 512:
        return sum(column, 512, rows, count);
    default:
        return sum(column, width, rows, count);
    }
}
