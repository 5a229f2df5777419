/*
 * Run-end encoded values: runs are cut where what is picked cuts them, and joined where one run is
 * picked several times in a row.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

/* The encoded run that position `at` is in. */
static int64_t find_run(const uint8_t *ends, int64_t width, int64_t count, int64_t at)
{
    int64_t low = 0, high = count - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (fl_offset(ends, width, middle) > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The encoded runs of what is picked, into `room` and `ends` unless that is NULL; how many. */
static size_t cut(void *ends, const struct fl_picks_buffer *room, const struct fl_field *field,
                  const struct fl_picks *picks)
{
    const struct fl_field *end_field = field->children;
    int64_t width = end_field->width, done = 0, last = -1;
    uint32_t last_chunk = 0;
    size_t count = 0;
    for (size_t i = 0; i < picks->runs; i++) {
        uint32_t number = fl_chunk_of(picks, i);
        const struct fl_chunk *chunk = &end_field->chunks[number];
        int64_t left = fl_length_of(picks, i), at = field->chunks[number].base + picks->index[i];
        if (left == 0)
            continue;
        int64_t run = find_run(chunk->data, width, chunk->array->length, at);
        for (; left > 0; run++) {
            int64_t rest = fl_offset(chunk->data, width, run) - at;
            int64_t length = rest < left ? rest : left;
            if (run != last || number != last_chunk)
                count++;
            last = run;
            last_chunk = number;
            at += length;
            left -= length;
            done += length;
            if (!ends)
                continue;
            room->index[count - 1] = run;
            room->chunk[count - 1] = number;
            fl_offset_put(ends, width, count - 1, done);
        }
    }
    return count;
}

int fl_take_run_end(const struct fl_field *field, const struct fl_picks *picks,
                    struct ArrowArray *out, struct forkloader_error *error)
{
    struct fl_picks_buffer room;
    int64_t width = field->children->width;
    int code = fl_take_fits(field, picks->total, width, error);
    if (code != 0)
        return code;
    size_t count = cut(NULL, NULL, field, picks);
    if (fl_array_make(out->children[0], (int64_t)count, 2, 0, false) != 0)
        return fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
    void *ends = fl_take_buffer(out->children[0], 1, (int64_t)count, width, field, error);
    if (!ends || fl_picks_buffer_new(&room, count, FL_WITH_CHUNKS, field, error) != 0)
        return ENOMEM;
    (void)cut(ends, &room, field, picks);
    struct fl_picks below = {.index = room.index,
                             .chunk = room.chunk,
                             .each = 1,
                             .runs = count,
                             .total = (int64_t)count};
    code = fl_take(&field->children[1], &below, out->children[1], error);
    fl_picks_buffer_free(&room);
    return code;
}
