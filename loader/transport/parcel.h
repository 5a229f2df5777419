/*
 * An Arrow array and its schema as one piece of memory without a pointer in it, for a slot of a
 * ring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_PARCEL_H
#define FL_PARCEL_H

#include "forkloader.h"

enum { FL_PARCEL_ALIGNMENT = 64 };

static inline uint64_t fl_parcel_aligned(uint64_t bytes)
{
    return (bytes + FL_PARCEL_ALIGNMENT - 1) & ~(uint64_t)(FL_PARCEL_ALIGNMENT - 1);
}

/* What an array of ours (loader/arrow/array.h) and its schema take. */
struct fl_parcel_size {
    uint32_t nodes, buffers;
    uint64_t texts, bytes; /* all together */
};
struct fl_parcel_size fl_parcel_measure(const struct ArrowArray *array,
                                        const struct ArrowSchema *schema);

/* `memory` is aligned, and has the bytes that were measured. */
void fl_parcel_write(uint8_t *memory, const struct fl_parcel_size *size,
                     const struct ArrowArray *array, const struct ArrowSchema *schema);

/* The array, with the memory lent to it or, as a copy, with its own. 0 or ENOMEM. */
int fl_parcel_read(uint8_t *memory, bool copy, struct ArrowArray *array,
                   struct ArrowSchema *schema);

#endif
