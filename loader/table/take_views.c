/*
 * Binary and text views: the views, then the bytes of the long values, which lie in as many buffers
 * as offsets of 32 bits ask for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>
#include <limits.h>

enum { FIXED_BUFFERS = 2 }; /* validity and views; the last one is the sizes of those between */

/* Where the next long value goes. */
struct place {
    int32_t buffer;
    int64_t used;
};

static void place_value(struct place *place, int64_t length)
{
    if (place->used + length > INT32_MAX) {
        place->buffer++;
        place->used = 0;
    }
    place->used += length;
}

static inline bool is_long(const struct fl_view *view)
{
    return view->length > FL_VIEW_INLINED;
}

/* The views as they are, but empty where null, since nothing is known of those. */
static void copy_views(uint8_t *to, const struct fl_field *field, const struct fl_picks *picks)
{
    static const struct fl_view NOTHING;
    for (size_t i = 0; i < picks->runs; i++) {
        const struct fl_chunk *chunk = &field->chunks[fl_chunk_of(picks, i)];
        int64_t length = fl_length_of(picks, i), first = picks->index[i];
        fl_call_for_run(field, picks, i + FL_AHEAD, sizeof NOTHING);
        for (int64_t j = 0; j < length; j++, to += sizeof NOTHING) {
            bool valid = !chunk->validity || fl_bit(chunk->validity, chunk->base + first + j);
            if (valid)
                memcpy(to, chunk->data + (first + j) * (int64_t)sizeof NOTHING, sizeof NOTHING);
            else
                memcpy(to, &NOTHING, sizeof NOTHING);
        }
    }
}

/* Buffers for the long values, and their sizes. */
static int make_buffers(struct ArrowArray *out, const struct fl_field *field,
                        struct forkloader_error *error)
{
    const uint8_t *views = out->buffers[1];
    struct place place = {.buffer = -1, .used = INT32_MAX};
    for (int64_t i = 0; i < out->length; i++) {
        struct fl_view view = fl_view_at(views, i);
        if (is_long(&view))
            place_value(&place, view.length);
    }
    size_t count = (size_t)place.buffer + 1;
    if (fl_array_more(out, FIXED_BUFFERS + count + 1) != 0)
        return fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
    int64_t *sizes = fl_take_buffer(out, FIXED_BUFFERS + count, (int64_t)count, 8, field, error);
    if (!sizes)
        return ENOMEM;
    memset(sizes, 0, count * sizeof *sizes);
    place = (struct place){.buffer = -1, .used = INT32_MAX};
    for (int64_t i = 0; i < out->length; i++) {
        struct fl_view view = fl_view_at(views, i);
        if (!is_long(&view))
            continue;
        place_value(&place, view.length);
        sizes[place.buffer] = place.used;
    }
    for (size_t i = 0; i < count; i++)
        if (!fl_take_buffer(out, FIXED_BUFFERS + i, sizes[i], 1, field, error))
            return ENOMEM;
    return 0;
}

/* Copies the long values, and turns the views to where they are now. */
static void copy_values(struct ArrowArray *out, uint8_t *views, const struct fl_field *field,
                        const struct fl_picks *picks)
{
    struct place place = {.buffer = -1, .used = INT32_MAX};
    for (size_t i = 0; i < picks->runs; i++) {
        const struct ArrowArray *from = field->chunks[fl_chunk_of(picks, i)].array;
        for (int64_t j = fl_length_of(picks, i); j > 0; j--, views += sizeof(struct fl_view)) {
            struct fl_view view = fl_view_at(views, 0);
            if (!is_long(&view))
                continue;
            const uint8_t *bytes =
                (const uint8_t *)from->buffers[FIXED_BUFFERS + view.buffer] + view.offset;
            place_value(&place, view.length);
            view.buffer = place.buffer;
            view.offset = (int32_t)(place.used - view.length);
            memcpy((uint8_t *)out->buffers[FIXED_BUFFERS + view.buffer] + view.offset, bytes,
                   (size_t)view.length);
            memcpy(views, &view, sizeof view);
        }
    }
}

int fl_take_views(const struct fl_field *field, const struct fl_picks *picks,
                  struct ArrowArray *out, struct forkloader_error *error)
{
    uint8_t *views = fl_take_buffer(out, 1, picks->total, sizeof(struct fl_view), field, error);
    if (!views)
        return ENOMEM;
    copy_views(views, field, picks);
    int code = make_buffers(out, field, error);
    if (code == 0)
        copy_values(out, views, field, picks);
    return code;
}
