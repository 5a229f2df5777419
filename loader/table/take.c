/* What all classes share. See take.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/table/take.h"

#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/table/take_bits.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* What each class's arrays are made with. */
static const struct {
    fl_take_class *take; /* NULL: an array without buffers */
    size_t buffers;
    bool validity;
} CLASSES[FL_CLASS_COUNT] = {
    [FL_CLASS_NULL] = {NULL, 0, false},
    [FL_CLASS_BOOLEAN] = {fl_take_boolean, 2, true},
    [FL_CLASS_FIXED] = {fl_take_fixed, 2, true},
    [FL_CLASS_BINARY] = {fl_take_binary, 3, true},
    [FL_CLASS_VIEW] = {fl_take_views, 2, true},
    [FL_CLASS_LIST] = {fl_take_list, 2, true},
    [FL_CLASS_LIST_VIEW] = {fl_take_list_view, 3, true},
    [FL_CLASS_FIXED_LIST] = {fl_take_fixed_list, 1, true},
    [FL_CLASS_STRUCT] = {fl_take_struct, 1, true},
    [FL_CLASS_SPARSE_UNION] = {fl_take_sparse_union, 1, false},
    [FL_CLASS_DENSE_UNION] = {fl_take_dense_union, 2, false},
    [FL_CLASS_RUN_END] = {fl_take_run_end, 0, false},
    [FL_CLASS_DICTIONARY] = {fl_take_dictionary, 2, true},
};

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
    return fl_fail(error, EOVERFLOW,
                   "column \"%s\": what is taken is %lld long, and its type's offsets or run ends "
                   "end at %lld",
                   fl_field_path(field).text, (long long)value, (long long)most);
}

int fl_take_add(const struct fl_field *field, int64_t *total, int64_t more,
                struct forkloader_error *error)
{
    return __builtin_add_overflow(*total, more, total) ? fl_take_too_long(field, error) : 0;
}

int fl_take_too_long(const struct fl_field *field, struct forkloader_error *error)
{
    return fl_fail(error, EOVERFLOW, "column \"%s\": what is taken is longer than any array can be",
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

static int take_validity(const struct fl_field *field, const struct fl_picks *picks,
                         struct ArrowArray *out, struct forkloader_error *error)
{
    if (!field->has_nulls)
        return 0;
    uint8_t *bits = fl_take_buffer(out, 0, fl_bytes_of_bits(picks->total), 1, field, error);
    if (!bits)
        return ENOMEM;
    out->null_count = picks->total - fl_bits_take(bits, field, picks, true);
    if (out->null_count == 0)
        fl_array_drop_buffer(out, 0);
    return 0;
}

int fl_take(const struct fl_field *field, const struct fl_picks *picks, struct ArrowArray *out,
            struct forkloader_error *error)
{
    int code = fl_array_make(out, picks->total, CLASSES[field->class].buffers, field->child_count,
                             field->dictionary != NULL);
    if (code != 0)
        return no_memory(field, error);
    if (field->class == FL_CLASS_NULL)
        out->null_count = out->length;
    if (CLASSES[field->class].validity)
        code = take_validity(field, picks, out, error);
    if (code == 0 && CLASSES[field->class].take)
        code = CLASSES[field->class].take(field, picks, out, error);
    if (code != 0)
        out->release(out);
    return code;
}
