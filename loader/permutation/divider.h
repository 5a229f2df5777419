/*
 * Division by a number that stays the same, without a division: the upper half of a product with
 * its reciprocal. Exact for every dividend and every divisor from 1 on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_DIVIDER_H
#define FL_DIVIDER_H

#include <stdint.h>

struct fl_divider {
    uint64_t divisor;
    uint64_t reciprocal; /* floor((2^64 - 1) / divisor) */
};

__extension__ typedef unsigned __int128 fl_wide;

/* The upper half of a product: floor(a * b / 2^64). */
static inline uint64_t fl_high(uint64_t a, uint64_t b)
{
    return (uint64_t)(((fl_wide)a * b) >> 64);
}

static inline struct fl_divider fl_divider(uint64_t divisor)
{
    return (struct fl_divider){.divisor = divisor, .reciprocal = UINT64_MAX / divisor};
}

/* The reciprocal lacks less than one 2^64th of what it should be, so that the product lacks less
   than one: the estimate is the quotient or the number below it. */
static inline uint64_t fl_divide(const struct fl_divider *by, uint64_t dividend,
                                 uint64_t *remainder)
{
    uint64_t quotient = fl_high(dividend, by->reciprocal);
    uint64_t rest = dividend - quotient * by->divisor;
    uint64_t more = rest >= by->divisor;
    *remainder = more ? rest - by->divisor : rest;
    return quotient + more;
}

#endif
