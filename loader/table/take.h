/*
 * Picked elements of the batches' arrays, as one array of ours.
 *
 * What is picked are runs of neighbours: rows are runs of one, a list's elements a run in its
 * child. Each class of types turns its own picks into those of its children, so that any nesting is
 * copied run by run, and batches are never concatenated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_TAKE_H
#define FL_TAKE_H

#include "loader/arrow/field.h"

struct fl_picks {
    const int64_t *index;  /* the first element of each run, counted from its chunk's base */
    const uint32_t *chunk; /* NULL: all are of chunk 0 */
    const int64_t *length; /* NULL: `each` */
    int64_t each;
    size_t runs;
    int64_t total; /* elements */
};

/* Picks to be filled in. */
struct fl_picks_buffer {
    int64_t *index;
    uint32_t *chunk;
    int64_t *length;
};

/* How many runs ahead of the one that is copied are called for: about the time memory takes. What
   tells where a run is must come before it. */
enum { FL_AHEAD = 14, FL_FAR_AHEAD = 28 };

static inline uint32_t fl_chunk_of(const struct fl_picks *picks, size_t run)
{
    return picks->chunk ? picks->chunk[run] : 0;
}

static inline int64_t fl_length_of(const struct fl_picks *picks, size_t run)
{
    return picks->length ? picks->length[run] : picks->each;
}

/*
 * `out` must hold nothing. On an error it holds nothing again, and the message names the column.
 * From a checked array nothing outside of it is read.
 */
int fl_take(const struct fl_field *field, const struct fl_picks *picks, struct ArrowArray *out,
            struct forkloader_error *error);

enum { FL_WITH_CHUNKS = 1, FL_WITH_LENGTHS = 2 };

/* Room for the parts of runs that are asked for, given back by fl_picks_buffer_free. 0 or ENOMEM.
 */
int fl_picks_buffer_new(struct fl_picks_buffer *room, size_t runs, unsigned parts,
                        const struct fl_field *field, struct forkloader_error *error);
void fl_picks_buffer_free(struct fl_picks_buffer *room);

/* Buffer `number` of an array that is made, of count * width bytes; NULL: no memory, as said. */
void *fl_take_buffer(struct ArrowArray *out, size_t number, int64_t count, int64_t width,
                     const struct fl_field *field, struct forkloader_error *error);

/* EOVERFLOW where `value`, an offset or a run end of the result, is too big for `width` bytes. */
int fl_take_fits(const struct fl_field *field, int64_t value, int64_t width,
                 struct forkloader_error *error);

/* *total += more, which is not negative. EOVERFLOW where that is more than any array holds. */
int fl_take_add(const struct fl_field *field, int64_t *total, int64_t more,
                struct forkloader_error *error);
int fl_take_too_long(const struct fl_field *field, struct forkloader_error *error);

/* Calls for memory that is read soon: of a long stretch only the beginning, the processor sees the
   rest coming. */
static inline void fl_call_for(const void *from, int64_t bytes)
{
    enum { LINE = 64, MOST = 1024 };
    uintptr_t at = (uintptr_t)from, end = at + (uintptr_t)(bytes < MOST ? bytes : MOST);
    for (; at < end; at += LINE)
        __builtin_prefetch((const void *)at);
    if (bytes > 0)
        __builtin_prefetch((const void *)(end - 1));
}

/* Where an element of `width` bytes is; not read, so that the data of no element may be NULL. */
static inline const uint8_t *fl_place(const uint8_t *data, int64_t index, int64_t width)
{
    return (const uint8_t *)((uintptr_t)data + (uintptr_t)(index * width));
}

static inline void fl_offset_put(void *buffer, int64_t width, size_t at, int64_t value)
{
    if (width == 4)
        ((int32_t *)buffer)[at] = (int32_t)value;
    else if (width == 8)
        ((int64_t *)buffer)[at] = value;
    else
        ((int16_t *)buffer)[at] = (int16_t)value;
}

/*
 * A class: fills in an array that is made, has its length, validity and null count, and room for
 * the class's buffers and children. What it leaves behind on an error is released.
 */
typedef int fl_take_class(const struct fl_field *field, const struct fl_picks *picks,
                          struct ArrowArray *out, struct forkloader_error *error);

static inline int64_t fl_bytes_of_bits(int64_t bits)
{
    return bits / 8 + (bits % 8 != 0);
}

fl_take_class fl_take_boolean;
fl_take_class fl_take_fixed;
fl_take_class fl_take_binary;
fl_take_class fl_take_views;
fl_take_class fl_take_list;
fl_take_class fl_take_list_view;
fl_take_class fl_take_fixed_list;
fl_take_class fl_take_struct;
fl_take_class fl_take_sparse_union;
fl_take_class fl_take_dense_union;
fl_take_class fl_take_run_end;
fl_take_class fl_take_dictionary;

/* Makes, before the first take, what the batches' dictionaries have in common. */
int fl_unify(struct fl_field *field, struct forkloader_error *error);

#endif
