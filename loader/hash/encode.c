/* See encode.h and docs/hash-v1.md. SPDX-License-Identifier: Apache-2.0 */
#include "loader/hash/encode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum tag {
    TAG_NULL,
    TAG_BOOL,
    TAG_INT,
    TAG_BIG,
    TAG_FLOAT,
    TAG_DECIMAL,
    TAG_TEXT,
    TAG_BYTES,
    TAG_DATE,
    TAG_STAMP,
    TAG_TIME,
    TAG_DURATION,
    TAG_INTERVAL,
    TAG_LIST,
    TAG_MAP,
    TAG_STRUCT,
    TAG_UNION,
};

static bool reserve(struct fl_bytes *out, size_t more)
{
    size_t room = out->room ? out->room : 256;
    uint8_t *grown;
    while (room - out->length < more)
        room *= 2;
    if (room == out->room)
        return true;
    grown = realloc(out->bytes, room);
    if (!grown)
        return false;
    out->bytes = grown;
    out->room = room;
    return true;
}

/* Little-endian, for `width` bytes; there must be room. */
static void put(struct fl_bytes *out, uint64_t value, int width)
{
    for (int i = 0; i < width; i++)
        out->bytes[out->length++] = (uint8_t)(value >> (8 * i));
}

static bool put_tagged(struct fl_bytes *out, enum tag tag, uint64_t value, int width)
{
    if (!reserve(out, 9))
        return false;
    put(out, tag, 1);
    put(out, value, width);
    return true;
}

static bool put_bytes(struct fl_bytes *out, const uint8_t *bytes, size_t length)
{
    if (!reserve(out, length))
        return false;
    memcpy(out->bytes + out->length, bytes, length);
    out->length += length;
    return true;
}

/* All NaNs are one, and so are the zeros. */
static bool put_double(struct fl_bytes *out, double value)
{
    uint64_t bits;
    if (value == 0)
        value = 0;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        bits = UINT64_C(0x7ff8000000000000);
    return put_tagged(out, TAG_FLOAT, bits, 8);
}

static bool put_seconds(struct fl_bytes *out, enum tag tag, const struct fl_cell *cell)
{
    int64_t seconds;
    uint32_t nanoseconds;
    fl_cell_seconds(cell->integer, cell->type->per_second, &seconds, &nanoseconds);
    if (!put_tagged(out, tag, (uint64_t)seconds, 8) || !reserve(out, 4))
        return false;
    put(out, nanoseconds, 4);
    return true;
}

static bool put_int(struct fl_bytes *out, const struct fl_cell *cell)
{
    switch (cell->type->meaning) {
    case FL_DATE:
        return put_tagged(out, TAG_DATE, (uint64_t)fl_cell_days(cell), 8);
    case FL_STAMP:
        return put_seconds(out, TAG_STAMP, cell);
    case FL_TIME:
        return put_seconds(out, TAG_TIME, cell);
    case FL_DURATION:
        return put_seconds(out, TAG_DURATION, cell);
    default:
        return put_tagged(out, TAG_INT, (uint64_t)cell->integer, 8);
    }
}

/* Sign, digits without zeros at the end, and the power of ten that they are multiplied by: of zero
   the power is 0. */
static bool put_decimal(struct fl_bytes *out, const struct fl_cell *cell)
{
    char text[FL_CELL_TEXT_MOST], digits[FL_CELL_TEXT_MOST];
    size_t count = 0, first = 0;
    int64_t power = -(int64_t)cell->type->scale;
    fl_cell_text(cell, text);
    for (const char *at = text; *at && *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            digits[count++] = *at;
    while (first < count && digits[first] == '0')
        first++;
    for (; count > first && digits[count - 1] == '0'; count--)
        power++;
    if (count == first)
        power = 0;
    return put_tagged(out, TAG_DECIMAL, text[0] == '-', 1) && reserve(out, 12) &&
           (put(out, (uint64_t)power, 4), put(out, count - first, 8), true) &&
           put_bytes(out, (const uint8_t *)digits + first, count - first);
}

static int64_t little_endian(const uint8_t *bytes, int width)
{
    uint64_t value = 0;
    for (int i = width; i-- > 0;)
        value = value << 8 | bytes[i];
    return width == 4 ? (int32_t)value : (int64_t)value;
}

/* Months, days and nanoseconds, whichever of the three Arrow has. */
static bool put_interval(struct fl_bytes *out, const struct fl_cell *cell)
{
    const uint8_t *bytes = cell->bytes;
    int64_t months = 0, days = 0, nanoseconds = 0;
    if (cell->length != 8)
        months = little_endian(bytes, 4);
    if (cell->length == 8) {
        days = little_endian(bytes, 4);
        nanoseconds = little_endian(bytes + 4, 4) * 1000000;
    } else if (cell->length == 16) {
        days = little_endian(bytes + 4, 4);
        nanoseconds = little_endian(bytes + 8, 8);
    }
    if (!put_tagged(out, TAG_INTERVAL, (uint64_t)months, 4) || !reserve(out, 12))
        return false;
    put(out, (uint64_t)days, 4);
    put(out, (uint64_t)nanoseconds, 8);
    return true;
}

static bool put_blob(struct fl_bytes *out, const struct fl_cell *cell)
{
    switch (cell->type->meaning) {
    case FL_DECIMAL:
        return put_decimal(out, cell);
    case FL_INTERVAL:
        return put_interval(out, cell);
    default:
        return put_tagged(out, cell->type->meaning == FL_TEXT ? TAG_TEXT : TAG_BYTES, cell->length,
                          8) &&
               put_bytes(out, cell->bytes, cell->length);
    }
}

static bool encode_child(struct fl_bytes *out, const struct fl_cell *parent, size_t child,
                         int64_t index)
{
    struct fl_cell cell;
    fl_cell_read(&cell, &parent->type->children[child], parent->array->children[child], index);
    return fl_hash_encode(out, &cell);
}

/* The child of a union is found by its place among the type ids in the format, "+us:0,5". */
static bool put_union(struct fl_bytes *out, const struct fl_cell *cell)
{
    int8_t id = ((const int8_t *)cell->array->buffers[0])[cell->index];
    const char *at = strchr(cell->type->schema->format, ':');
    size_t child = 0;
    while (at && strtol(at + 1, NULL, 10) != id) {
        at = strchr(at + 1, ',');
        child++;
    }
    if (child >= cell->type->count) /* which the check of arrays excludes */
        child = 0;
    return put_tagged(out, TAG_UNION, (uint64_t)id, 1) &&
           encode_child(out, cell, child, fl_cell_elements(cell).first);
}

static bool put_nested(struct fl_bytes *out, const struct fl_cell *cell)
{
    struct fl_range range = fl_cell_elements(cell);
    bool fine = true;
    switch (cell->type->meaning) {
    case FL_STRUCT:
        fine = put_tagged(out, TAG_STRUCT, cell->type->count, 4);
        for (size_t i = 0; fine && i < cell->type->count; i++)
            fine = encode_child(out, cell, i, range.first);
        return fine;
    case FL_UNION:
        return put_union(out, cell);
    default:
        fine = put_tagged(out, cell->type->meaning == FL_MAP ? TAG_MAP : TAG_LIST,
                          (uint64_t)range.count, 8);
        for (int64_t i = 0; fine && i < range.count; i++)
            fine = encode_child(out, cell, 0, range.first + i);
        return fine;
    }
}

bool fl_hash_encode(struct fl_bytes *out, const struct fl_cell *cell)
{
    switch (cell->kind) {
    case FL_CELL_NULL:
        return put_tagged(out, TAG_NULL, 0, 0);
    case FL_CELL_BOOL:
        return put_tagged(out, TAG_BOOL, cell->truth, 1);
    case FL_CELL_INT:
        return put_int(out, cell);
    case FL_CELL_UINT:
        return put_tagged(out, cell->natural > INT64_MAX ? TAG_BIG : TAG_INT, cell->natural, 8);
    case FL_CELL_DOUBLE:
        return put_double(out, cell->real);
    case FL_CELL_BYTES:
        return put_blob(out, cell);
    case FL_CELL_OTHER:
        return put_nested(out, cell);
    }
    return false;
}
