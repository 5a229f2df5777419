/*
 * Values of fixed width: numbers, decimals, times, intervals, fixed-size binary, and, as runs of
 * one length, the values of fixed-size lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

static inline const uint8_t *place(const struct fl_field *field, const struct fl_picks *picks,
                                   size_t run, int64_t width)
{
    return fl_place(field->chunks[fl_chunk_of(picks, run)].data, picks->index[run], width);
}

#define ALWAYS __attribute__((always_inline)) static inline

/* Bytes of a column that are likely in a cache: there, calls ahead cost more than they save. */
enum { IN_CACHE = 16 << 20 };

/* These two are made once for each width, a constant where they are called. What each row needs is
   held in locals: for all the compiler knows, `to` points into the picks, which it would read again
   and again. */
ALWAYS void copy_from_one(uint8_t *to, const struct fl_chunk *chunk, const int64_t *index,
                          size_t count, int64_t width)
{
    const uint8_t *data = chunk->data;
    bool is_near = count <= FL_AHEAD || chunk->array->length < IN_CACHE / width;
    size_t ahead = is_near ? 0 : count - FL_AHEAD, i = 0;
    for (; i < ahead; i++, to += width) {
        __builtin_prefetch(fl_place(data, index[i + FL_AHEAD], width));
        memcpy(to, fl_place(data, index[i], width), (size_t)width);
    }
    for (; i < count; i++, to += width)
        memcpy(to, fl_place(data, index[i], width), (size_t)width);
}

/* Of several chunks, it takes longer to find out where a value is than to copy it: this is done
   once for each, a block at a time, and the whole block is prefetched before the first is copied.
 */
ALWAYS void copy_units(uint8_t *to, const struct fl_field *field, const struct fl_picks *picks,
                       int64_t width)
{
    enum { BLOCK = 128 };
    const struct fl_picks from = *picks;
    const struct fl_chunk *chunks = field->chunks;
    const uint8_t *places[BLOCK];
    if (!from.chunk) {
        copy_from_one(to, chunks, from.index, from.runs, width);
        return;
    }
    for (size_t i = 0, count; i < from.runs; i += count) {
        count = from.runs - i < BLOCK ? from.runs - i : BLOCK;
        for (size_t j = 0; j < count; j++) {
            places[j] = fl_place(chunks[from.chunk[i + j]].data, from.index[i + j], width);
            __builtin_prefetch(places[j]);
        }
        for (size_t j = 0; j < count; j++, to += width)
            memcpy(to, places[j], (size_t)width);
    }
}

static void copy_runs(uint8_t *to, const struct fl_field *field, const struct fl_picks *picks)
{
    int64_t width = field->width;
    for (size_t i = 0; i < picks->runs; i++) {
        size_t bytes = (size_t)(fl_length_of(picks, i) * width);
        if (i + FL_AHEAD < picks->runs)
            fl_call_for(place(field, picks, i + FL_AHEAD, width),
                        fl_length_of(picks, i + FL_AHEAD) * width);
        if (bytes > 0)
            memcpy(to, place(field, picks, i, width), bytes);
        to += bytes;
    }
}

int fl_take_fixed(const struct fl_field *field, const struct fl_picks *picks,
                  struct ArrowArray *out, struct forkloader_error *error)
{
    uint8_t *to = fl_take_buffer(out, 1, picks->total, field->width, field, error);
    if (!to)
        return ENOMEM;
    switch (picks->length || picks->each != 1 ? 0 : field->width) {
    case 1:
        copy_units(to, field, picks, 1);
        break;
    case 2:
        copy_units(to, field, picks, 2);
        break;
    case 4:
        copy_units(to, field, picks, 4);
        break;
    case 8:
        copy_units(to, field, picks, 8);
        break;
    case 16:
        copy_units(to, field, picks, 16);
        break;
    case 32:
        copy_units(to, field, picks, 32);
        break;
    default:
        copy_runs(to, field, picks);
    }
    return 0;
}
