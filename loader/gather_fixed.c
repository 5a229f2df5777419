/*
 * Values of fixed width: numbers, decimals, times, intervals, fixed-size binary, and, as runs of
 * one length, the values of fixed-size lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/gather.h"

#include <errno.h>

static inline const uint8_t *place(const struct fl_field *field, const struct fl_picks *picks,
                                   size_t run, int64_t width)
{
    return fl_place(field->chunks[fl_chunk_of(picks, run)].data, picks->index[run], width);
}

/* Made once for each width that is a constant where it is called. */
__attribute__((always_inline)) static inline void copy_units(uint8_t *to,
                                                             const struct fl_field *field,
                                                             const struct fl_picks *picks,
                                                             size_t width)
{
    size_t ahead = picks->runs > FL_AHEAD ? picks->runs - FL_AHEAD : 0, i = 0;
    for (; i < ahead; i++, to += width) {
        __builtin_prefetch(place(field, picks, i + FL_AHEAD, (int64_t)width));
        memcpy(to, place(field, picks, i, (int64_t)width), width);
    }
    for (; i < picks->runs; i++, to += width)
        memcpy(to, place(field, picks, i, (int64_t)width), width);
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

int fl_gather_fixed(const struct fl_field *field, const struct fl_picks *picks,
                    struct ArrowArray *out, struct forkloader_error *error)
{
    uint8_t *to = fl_gather_buffer(out, 1, picks->total, field->width, field, error);
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
