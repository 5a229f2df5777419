/*
 * Which elements of the batches' arrays are taken, and in which order.
 *
 * Picks are runs of neighbours: a row is a run of one, a list's elements are a run in its child.
 * Each class of types turns its own picks into those of its children, so that any nesting is
 * copied run by run, and batches are never concatenated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_PICKS_H
#define FL_PICKS_H

#include "loader/arrow/field.h"

struct fl_picks {
    const int64_t *index;  /* the first element of each run, counted from its chunk's base */
    const uint32_t *chunk; /* NULL: all are of chunk 0 */
    const int64_t *length; /* NULL: `each` */
    int64_t each;
    size_t runs;
    int64_t total; /* elements */
};

/* How many runs ahead of the one that is copied are prefetched: about the latency of memory. What
   locates a run is prefetched before the run. */
enum { FL_AHEAD = 14, FL_FAR_AHEAD = 28 };

static inline uint32_t fl_chunk_of(const struct fl_picks *picks, size_t run)
{
    return picks->chunk ? picks->chunk[run] : 0;
}

static inline int64_t fl_length_of(const struct fl_picks *picks, size_t run)
{
    return picks->length ? picks->length[run] : picks->each;
}

/* Where an element of `width` bytes is; not read, so that the data of no element may be NULL. */
static inline const uint8_t *fl_place(const uint8_t *data, int64_t index, int64_t width)
{
    return (const uint8_t *)((uintptr_t)data + (uintptr_t)(index * width));
}

/* Prefetches memory that is read soon: of a long run only the beginning, as the processor
   prefetches the rest by itself. */
static inline void fl_call_for(const void *from, int64_t bytes)
{
    enum { LINE = 64, MOST = 1024 };
    uintptr_t at = (uintptr_t)from, end = at + (uintptr_t)(bytes < MOST ? bytes : MOST);
    for (; at < end; at += LINE)
        __builtin_prefetch((const void *)at);
    if (bytes > 0)
        __builtin_prefetch((const void *)(end - 1));
}

/* The first element of a run that is copied later, or its offset, of `width` bytes. */
static inline void fl_call_for_run(const struct fl_field *field, const struct fl_picks *picks,
                                   size_t run, int64_t width)
{
    if (run < picks->runs)
        __builtin_prefetch(
            fl_place(field->chunks[fl_chunk_of(picks, run)].data, picks->index[run], width));
}

#endif
