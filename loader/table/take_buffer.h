/*
 * What the classes share: memory for picks and for buffers of the result, and the limits of its
 * offsets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_TAKE_BUFFER_H
#define FL_TAKE_BUFFER_H

#include "loader/table/picks.h"

/* Memory for picks. */
struct fl_picks_buffer {
    int64_t *index;
    uint32_t *chunk;
    int64_t *length;
};

enum { FL_WITH_CHUNKS = 1, FL_WITH_LENGTHS = 2 };

/* For the parts of runs in `parts`; freed by fl_picks_buffer_free. 0 or ENOMEM. */
int fl_picks_buffer_new(struct fl_picks_buffer *room, size_t runs, unsigned parts,
                        const struct fl_field *field, struct forkloader_error *error);
void fl_picks_buffer_free(struct fl_picks_buffer *room);

/* Buffer `number` of an array that is made, of count * width bytes; NULL: no memory, reported. */
void *fl_take_buffer(struct ArrowArray *out, size_t number, int64_t count, int64_t width,
                     const struct fl_field *field, struct forkloader_error *error);

/* EOVERFLOW where `value`, an offset or a run end of the result, is too big for `width` bytes. */
int fl_take_fits(const struct fl_field *field, int64_t value, int64_t width,
                 struct forkloader_error *error);

/* *total += more, which is not negative. EOVERFLOW where that is more than any array holds. */
int fl_take_add(const struct fl_field *field, int64_t *total, int64_t more,
                struct forkloader_error *error);
int fl_take_too_long(const struct fl_field *field, struct forkloader_error *error);

static inline void fl_offset_put(void *buffer, int64_t width, size_t at, int64_t value)
{
    if (width == 4)
        ((int32_t *)buffer)[at] = (int32_t)value;
    else if (width == 8)
        ((int64_t *)buffer)[at] = value;
    else
        ((int16_t *)buffer)[at] = (int16_t)value;
}

static inline int64_t fl_bytes_of_bits(int64_t bits)
{
    return bits / 8 + (bits % 8 != 0);
}

#endif
