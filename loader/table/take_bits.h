/*
 * Picked bits: validity, and the values of booleans.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_TAKE_BITS_H
#define FL_TAKE_BITS_H

#include "loader/table/picks.h"

/*
 * The picked bits into `to`, which has room for (total + 7) / 8 bytes; those behind the last are 0.
 * Returns how many are 1. The bits are the chunks' validity (a chunk without is all 1) or data.
 */
int64_t fl_bits_take(uint8_t *to, const struct fl_field *field, const struct fl_picks *picks,
                     bool validity);

#endif
