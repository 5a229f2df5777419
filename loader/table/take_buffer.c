/* See take_buffer.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/table/take_buffer.h"

#include "loader/arrow/array.h"
#include "loader/base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

static int no_memory(const struct fl_field *field, struct forkloader_error *error)
{
    return fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
}

void *fl_take_buffer(struct ArrowArray *out, size_t number, int64_t count, int64_t width,
                     const struct fl_field *field, struct forkloader_error *error)
{
    int64_t bytes;
    void *buffer = NULL;
    if (!__builtin_mul_overflow(count, width, &bytes))
        buffer = fl_array_buffer(out, number, (size_t)bytes);
    if (!buffer)
        (void)fl_fail(error, ENOMEM, "column \"%s\": no memory for %lld values of %lld bytes",
                      fl_field_path(field).text, (long long)count, (long long)width);
    return buffer;
}

int fl_take_fits(const struct fl_field *field, int64_t value, int64_t width,
                 struct forkloader_error *error)
{
    int64_t most = width == 8 ? INT64_MAX : width == 4 ? INT32_MAX : INT16_MAX;
    if (value <= most)
        return 0;
    return fl_fail(
        error, EOVERFLOW,
        "column \"%s\": the taken values need an offset or run end of %lld, and the type's "
        "largest is %lld",
        fl_field_path(field).text, (long long)value, (long long)most);
}

int fl_take_add(const struct fl_field *field, int64_t *total, int64_t more,
                struct forkloader_error *error)
{
    return __builtin_add_overflow(*total, more, total) ? fl_take_too_long(field, error) : 0;
}

int fl_take_too_long(const struct fl_field *field, struct forkloader_error *error)
{
    return fl_fail(error, EOVERFLOW,
                   "column \"%s\": the taken values are longer than an array can be",
                   fl_field_path(field).text);
}

int fl_picks_buffer_new(struct fl_picks_buffer *room, size_t runs, unsigned parts,
                        const struct fl_field *field, struct forkloader_error *error)
{
    size_t per_run = sizeof *room->index + (parts & FL_WITH_LENGTHS ? sizeof *room->length : 0) +
                     (parts & FL_WITH_CHUNKS ? sizeof *room->chunk : 0);
    size_t bytes;
    *room = (struct fl_picks_buffer){0};
    if (__builtin_mul_overflow(runs ? runs : 1, per_run, &bytes))
        return no_memory(field, error);
    room->index = malloc(bytes);
    if (!room->index)
        return no_memory(field, error);
    if (parts & FL_WITH_LENGTHS)
        room->length = room->index + runs;
    if (parts & FL_WITH_CHUNKS)
        room->chunk = (uint32_t *)(room->index + runs * (parts & FL_WITH_LENGTHS ? 2 : 1));
    return 0;
}

void fl_picks_buffer_free(struct fl_picks_buffer *room)
{
    free(room->index);
    *room = (struct fl_picks_buffer){0};
}
