/*
 * Lists, large lists, maps, their views, and lists of fixed size: each run of lists becomes a run
 * of their elements.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/base/error.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

static int write_offsets(void *offsets, struct fl_picks *below, const struct fl_picks_buffer *room,
                         const struct fl_field *field, const struct fl_picks *picks,
                         struct forkloader_error *error)
{
    int64_t width = field->width;
    size_t written = 0;
    fl_offset_put(offsets, width, 0, 0);
    for (size_t i = 0; i < picks->runs; i++) {
        const uint8_t *from = field->chunks[fl_chunk_of(picks, i)].data;
        int64_t length = fl_length_of(picks, i), first = picks->index[i], before = below->total;
        fl_call_for_run(field, picks, i + FL_AHEAD, width);
        room->index[i] = 0;
        room->length[i] = 0;
        if (length == 0)
            continue;
        int64_t start = fl_offset(from, width, first);
        room->index[i] = start;
        room->length[i] = fl_offset(from, width, first + length) - start;
        if (fl_take_add(field, &below->total, room->length[i], error) != 0)
            return EOVERFLOW;
        for (int64_t j = 1; j <= length; j++)
            fl_offset_put(offsets, width, ++written,
                          before + fl_offset(from, width, first + j) - start);
    }
    return fl_take_fits(field, below->total, width, error);
}

int fl_take_list(const struct fl_field *field, const struct fl_picks *picks, struct ArrowArray *out,
                 struct forkloader_error *error)
{
    struct fl_picks_buffer room;
    void *offsets = fl_take_buffer(out, 1, picks->total + 1, field->width, field, error);
    if (!offsets || fl_picks_buffer_new(&room, picks->runs, FL_WITH_LENGTHS, field, error) != 0)
        return ENOMEM;
    struct fl_picks below = {
        .index = room.index, .chunk = picks->chunk, .length = room.length, .runs = picks->runs};
    int code = write_offsets(offsets, &below, &room, field, picks, error);
    if (code == 0)
        code = fl_take(field->children, &below, out->children[0], error);
    fl_picks_buffer_free(&room);
    return code;
}

/* Views may lie anywhere: each is a run of its own, and they are copied one after the other. */
static int write_views(struct ArrowArray *out, struct fl_picks *below,
                       const struct fl_picks_buffer *room, const struct fl_field *field,
                       const struct fl_picks *picks, struct forkloader_error *error)
{
    int64_t width = field->width;
    void *offsets = (void *)out->buffers[1], *sizes = (void *)out->buffers[2];
    size_t written = 0;
    for (size_t i = 0; i < picks->runs; i++) {
        uint32_t number = fl_chunk_of(picks, i);
        const struct fl_chunk *chunk = &field->chunks[number];
        int64_t length = fl_length_of(picks, i);
        for (int64_t j = picks->index[i]; length > 0; length--, j++, written++) {
            bool valid = !chunk->validity || fl_bit(chunk->validity, chunk->base + j);
            int64_t size = valid ? fl_offset(chunk->more, width, j) : 0;
            room->index[written] = size ? fl_offset(chunk->data, width, j) : 0;
            room->chunk[written] = number;
            room->length[written] = size;
            fl_offset_put(offsets, width, written, size ? below->total : 0);
            fl_offset_put(sizes, width, written, size);
            if (fl_take_add(field, &below->total, size, error) != 0)
                return EOVERFLOW;
        }
    }
    return fl_take_fits(field, below->total, width, error);
}

int fl_take_list_view(const struct fl_field *field, const struct fl_picks *picks,
                      struct ArrowArray *out, struct forkloader_error *error)
{
    struct fl_picks_buffer room;
    if (!fl_take_buffer(out, 1, picks->total, field->width, field, error) ||
        !fl_take_buffer(out, 2, picks->total, field->width, field, error) ||
        fl_picks_buffer_new(&room, (size_t)picks->total, FL_WITH_CHUNKS | FL_WITH_LENGTHS, field,
                            error) != 0)
        return ENOMEM;
    struct fl_picks below = {.index = room.index,
                             .chunk = room.chunk,
                             .length = room.length,
                             .runs = (size_t)picks->total};
    int code = write_views(out, &below, &room, field, picks, error);
    if (code == 0)
        code = fl_take(field->children, &below, out->children[0], error);
    fl_picks_buffer_free(&room);
    return code;
}

int fl_take_fixed_list(const struct fl_field *field, const struct fl_picks *picks,
                       struct ArrowArray *out, struct forkloader_error *error)
{
    struct fl_picks_buffer room;
    struct fl_picks below = {.chunk = picks->chunk, .runs = picks->runs};
    int64_t size = field->width;
    if (__builtin_mul_overflow(picks->total, size, &below.total))
        return fl_take_too_long(field, error);
    if (fl_picks_buffer_new(&room, picks->runs, picks->length ? FL_WITH_LENGTHS : 0, field,
                            error) != 0)
        return ENOMEM;
    for (size_t i = 0; i < picks->runs; i++)
        room.index[i] = picks->index[i] * size;
    for (size_t i = 0; picks->length && i < picks->runs; i++)
        room.length[i] = picks->length[i] * size;
    below.index = room.index;
    below.length = room.length;
    below.each = picks->length || !picks->runs ? 0 : picks->each * size;
    int code = fl_take(field->children, &below, out->children[0], error);
    fl_picks_buffer_free(&room);
    return code;
}
