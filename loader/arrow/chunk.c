/* Where the buffers of each batch are. See field.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/bits.h"
#include "loader/arrow/field.h"

#include <errno.h>
#include <stdlib.h>

static int make_room(struct fl_field *field, size_t count)
{
    field->chunk_count = count;
    field->chunks = calloc(count ? count : 1, sizeof *field->chunks);
    int code = field->chunks ? 0 : ENOMEM;
    for (size_t i = 0; code == 0 && i < field->child_count; i++)
        code = make_room(&field->children[i], count);
    return code == 0 && field->dictionary ? make_room(field->dictionary, count) : code;
}

/* Bytes of an element in `data`; 0: it is bits, or is not reached by its position. */
static int64_t stride(const struct fl_field *field)
{
    return field->class == FL_CLASS_NULL || field->class == FL_CLASS_BOOLEAN ||
                   field->class == FL_CLASS_FIXED_LIST || field->class == FL_CLASS_STRUCT ||
                   field->class == FL_CLASS_RUN_END
               ? 0
               : field->width;
}

/* Where element 0 of an array's children is, as seen by what the parent calls 0. */
static int64_t children_base(const struct fl_field *field, int64_t base)
{
    switch (field->class) {
    case FL_CLASS_STRUCT:
    case FL_CLASS_SPARSE_UNION:
        return base;
    case FL_CLASS_FIXED_LIST:
        return base * field->width;
    default:
        return 0;
    }
}

static const uint8_t *moved(const void *buffer, int64_t bytes)
{
    return buffer ? (const uint8_t *)buffer + bytes : NULL;
}

static void lay_out(struct fl_field *field, const struct ArrowArray *array, size_t batch,
                    int64_t above)
{
    struct fl_chunk *chunk = &field->chunks[batch];
    bool is_union = field->class == FL_CLASS_SPARSE_UNION || field->class == FL_CLASS_DENSE_UNION;
    int64_t first = is_union ? 0 : 1;
    chunk->array = array;
    chunk->base = array->offset + above;
    if (!is_union && array->n_buffers > 0 && array->buffers[0] &&
        fl_bits_count(array->buffers[0], array->offset, array->length) < array->length) {
        chunk->validity = array->buffers[0];
        field->has_nulls = true;
    }
    if (array->n_buffers > first)
        chunk->data = moved(array->buffers[first], chunk->base * stride(field));
    if (field->class == FL_CLASS_DENSE_UNION)
        chunk->more = moved(array->buffers[1], chunk->base * 4);
    else if (field->class == FL_CLASS_LIST_VIEW)
        chunk->more = moved(array->buffers[2], chunk->base * field->width);
    else if (field->class == FL_CLASS_BINARY)
        chunk->more = array->buffers[2];
    for (size_t i = 0; i < field->child_count; i++)
        lay_out(&field->children[i], array->children[i], batch, children_base(field, chunk->base));
    if (field->dictionary)
        lay_out(field->dictionary, array->dictionary, batch, 0);
}

int fl_field_lay_out(struct fl_field *root, const struct ArrowArray *batches, size_t count)
{
    int code = make_room(root, count);
    for (size_t i = 0; code == 0 && i < count; i++)
        lay_out(root, &batches[i], i, 0);
    return code;
}
