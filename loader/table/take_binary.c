/*
 * Binary and text with offsets of 32 or 64 bits: first the offsets, then the bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/base/error.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

static int write_offsets(void *offsets, int64_t *total, const struct fl_field *field,
                         const struct fl_picks *picks, struct forkloader_error *error)
{
    int64_t width = field->width;
    size_t written = 0;
    fl_offset_put(offsets, width, 0, 0);
    for (size_t i = 0; i < picks->runs; i++) {
        const uint8_t *from = field->chunks[fl_chunk_of(picks, i)].data;
        int64_t length = fl_length_of(picks, i), first = picks->index[i], before = *total;
        fl_call_for_run(field, picks, i + FL_AHEAD, width);
        if (length == 0)
            continue;
        int64_t start = fl_offset(from, width, first);
        if (fl_take_add(field, total, fl_offset(from, width, first + length) - start, error) != 0)
            return EOVERFLOW;
        for (int64_t j = 1; j <= length; j++)
            fl_offset_put(offsets, width, ++written,
                          before + fl_offset(from, width, first + j) - start);
    }
    return fl_take_fits(field, *total, width, error);
}

/* Calls for the bytes of a run, whose offsets are there by now. */
static inline void call_for_bytes(const struct fl_field *field, const struct fl_picks *picks,
                                  size_t run)
{
    const struct fl_chunk *chunk = &field->chunks[fl_chunk_of(picks, run)];
    int64_t length = fl_length_of(picks, run);
    if (length > 0) {
        int64_t start = fl_offset(chunk->data, field->width, picks->index[run]);
        fl_call_for(fl_place(chunk->more, start, 1),
                    fl_offset(chunk->data, field->width, picks->index[run] + length) - start);
    }
}

int fl_take_binary(const struct fl_field *field, const struct fl_picks *picks,
                   struct ArrowArray *out, struct forkloader_error *error)
{
    int64_t width = field->width, total = 0;
    void *offsets = fl_take_buffer(out, 1, picks->total + 1, width, field, error);
    if (!offsets)
        return ENOMEM;
    int code = write_offsets(offsets, &total, field, picks, error);
    uint8_t *to = code == 0 ? fl_take_buffer(out, 2, total, 1, field, error) : NULL;
    if (!to)
        return code != 0 ? code : ENOMEM;
    for (size_t i = 0; i < picks->runs; i++) {
        const struct fl_chunk *chunk = &field->chunks[fl_chunk_of(picks, i)];
        int64_t length = fl_length_of(picks, i), first = picks->index[i];
        fl_call_for_run(field, picks, i + FL_FAR_AHEAD, field->width);
        if (i + FL_AHEAD < picks->runs)
            call_for_bytes(field, picks, i + FL_AHEAD);
        if (length == 0)
            continue;
        int64_t start = fl_offset(chunk->data, width, first);
        size_t bytes = (size_t)(fl_offset(chunk->data, width, first + length) - start);
        if (bytes > 0)
            memcpy(to, chunk->more + start, bytes);
        to += bytes;
    }
    return 0;
}
