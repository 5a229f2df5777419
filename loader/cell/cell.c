/* See cell.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/cell/cell.h"

#include <string.h>

/* Buffers need not be aligned: producers may map them from files. */
#define LOAD(type, name)                                            \
    static type name(const void *buffer, int64_t index)             \
    {                                                               \
        type value;                                                 \
        memcpy(&value, (const type *)buffer + index, sizeof value); \
        return value;                                               \
    }
LOAD(int8_t, load_i8)
LOAD(int16_t, load_i16)
LOAD(int32_t, load_i32)
LOAD(int64_t, load_i64)
LOAD(uint8_t, load_u8)
LOAD(uint16_t, load_u16)
LOAD(uint32_t, load_u32)
LOAD(uint64_t, load_u64)
LOAD(float, load_f32)
LOAD(double, load_f64)

static bool bit(const void *bitmap, int64_t index)
{
    return ((const uint8_t *)bitmap)[index / 8] >> (index % 8) & 1;
}

static int64_t load_int(const void *values, int width, int64_t index)
{
    switch (width) {
    case 1:
        return load_i8(values, index);
    case 2:
        return load_i16(values, index);
    case 4:
        return load_i32(values, index);
    default:
        return load_i64(values, index);
    }
}

static uint64_t load_uint(const void *values, int width, int64_t index)
{
    switch (width) {
    case 1:
        return load_u8(values, index);
    case 2:
        return load_u16(values, index);
    case 4:
        return load_u32(values, index);
    default:
        return load_u64(values, index);
    }
}

static double half(uint16_t bits)
{
    uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023, wide;
    float value;
    if (exponent == 0) {
        value = (float)fraction / 16777216.0f;
        return bits >> 15 ? -(double)value : (double)value;
    }
    wide = (uint32_t)(bits >> 15) << 31 | (exponent == 31 ? 255 : exponent + 112) << 23 |
           fraction << 13;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static double load_float(const void *values, int width, int64_t index)
{
    switch (width) {
    case 2:
        return half(load_u16(values, index));
    case 4:
        return load_f32(values, index);
    default:
        return load_f64(values, index);
    }
}

static void set_bytes(struct fl_cell *cell, const void *data, int64_t first, int64_t length)
{
    cell->kind = FL_CELL_BYTES;
    cell->bytes = length ? (const uint8_t *)data + first : (const uint8_t *)"";
    cell->length = (size_t)length;
}

static void read_view(struct fl_cell *cell, const struct ArrowArray *array, int64_t index)
{
    const uint8_t *view = (const uint8_t *)array->buffers[1] + 16 * index;
    int32_t length = load_i32(view, 0);
    if (length <= 12)
        set_bytes(cell, view, 4, length);
    else
        set_bytes(cell, array->buffers[2 + load_i32(view, 2)], load_i32(view, 3), length);
}

/* The run that a position lies in: the first that ends after it. */
static int64_t find_run(const struct fl_type *type, const struct ArrowArray *array, int64_t index)
{
    const struct ArrowArray *ends = array->children[0];
    int64_t low = 0, high = ends->length - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (load_int(ends->buffers[1], type->children[0].width, ends->offset + middle) > index)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int64_t dictionary_index(const struct fl_type *type, const struct ArrowArray *array,
                                int64_t index)
{
    return type->sign ? load_int(array->buffers[1], type->width, index)
                      : (int64_t)load_uint(array->buffers[1], type->width, index);
}

static bool has_validity(enum fl_form form)
{
    return form != FL_FORM_NULL && form != FL_FORM_SPARSE_UNION && form != FL_FORM_DENSE_UNION &&
           form != FL_FORM_RUNS;
}

void fl_cell_read(struct fl_cell *cell, const struct fl_type *type, const struct ArrowArray *array,
                  int64_t row)
{
    int64_t index = array->offset + row;
    cell->type = type;
    cell->kind = FL_CELL_NULL;
    if (has_validity(type->form) && array->buffers[0] && !bit(array->buffers[0], index))
        return;
    switch (type->form) {
    case FL_FORM_NULL:
        return;
    case FL_FORM_BOOL:
        cell->kind = FL_CELL_BOOL;
        cell->truth = bit(array->buffers[1], index);
        return;
    case FL_FORM_INT:
        cell->kind = FL_CELL_INT;
        cell->integer = load_int(array->buffers[1], type->width, index);
        return;
    case FL_FORM_UINT:
        cell->kind = FL_CELL_UINT;
        cell->natural = load_uint(array->buffers[1], type->width, index);
        return;
    case FL_FORM_FLOAT:
        cell->kind = FL_CELL_DOUBLE;
        cell->real = load_float(array->buffers[1], type->width, index);
        return;
    case FL_FORM_FIXED:
        set_bytes(cell, array->buffers[1], index * type->width, type->width);
        return;
    case FL_FORM_OFFSETS32:
        set_bytes(cell, array->buffers[2], load_i32(array->buffers[1], index),
                  load_i32(array->buffers[1], index + 1) - load_i32(array->buffers[1], index));
        return;
    case FL_FORM_OFFSETS64:
        set_bytes(cell, array->buffers[2], load_i64(array->buffers[1], index),
                  load_i64(array->buffers[1], index + 1) - load_i64(array->buffers[1], index));
        return;
    case FL_FORM_VIEW:
        read_view(cell, array, index);
        return;
    case FL_FORM_RUNS:
        fl_cell_read(cell, &type->children[1], array->children[1], find_run(type, array, index));
        return;
    case FL_FORM_DICTIONARY:
        fl_cell_read(cell, &type->children[0], array->dictionary,
                     dictionary_index(type, array, index));
        return;
    default:
        cell->kind = FL_CELL_OTHER;
        cell->array = array;
        cell->index = index;
    }
}

struct fl_range fl_cell_elements(const struct fl_cell *cell)
{
    const void *const *buffers = cell->array->buffers;
    int64_t index = cell->index;
    switch (cell->type->form) {
    case FL_FORM_LIST32:
        return (struct fl_range){load_i32(buffers[1], index),
                                 load_i32(buffers[1], index + 1) - load_i32(buffers[1], index)};
    case FL_FORM_LIST64:
        return (struct fl_range){load_i64(buffers[1], index),
                                 load_i64(buffers[1], index + 1) - load_i64(buffers[1], index)};
    case FL_FORM_LIST_VIEW32:
        return (struct fl_range){load_i32(buffers[1], index), load_i32(buffers[2], index)};
    case FL_FORM_LIST_VIEW64:
        return (struct fl_range){load_i64(buffers[1], index), load_i64(buffers[2], index)};
    case FL_FORM_FIXED_LIST:
        return (struct fl_range){index * cell->type->width, cell->type->width};
    case FL_FORM_DENSE_UNION:
        return (struct fl_range){load_i32(buffers[1], index), 1};
    default:
        return (struct fl_range){index, 1};
    }
}
