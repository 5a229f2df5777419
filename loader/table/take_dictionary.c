/*
 * Dictionary columns: the indices, and the values that all batches have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

/* Whether every index of the common values can be written. */
static int check_room(const struct fl_field *field, struct forkloader_error *error)
{
    unsigned bits = (unsigned)field->width * 8 - field->is_signed;
    if (bits >= 63 || field->value_count <= (int64_t)1 << bits)
        return 0;
    return fl_fail(error, EOVERFLOW,
                   "column \"%s\": its batches have %lld dictionary values together, more than "
                   "indices of format %s can tell apart",
                   fl_field_path(field).text, (long long)field->value_count, field->schema->format);
}

/* The indices of the common values; 0 where null, since nothing is known of what is there. */
static void translate(uint8_t *to, const struct fl_field *field, const struct fl_picks *picks)
{
    for (size_t i = 0; i < picks->runs; i++) {
        const struct fl_chunk *chunk = &field->chunks[fl_chunk_of(picks, i)];
        int64_t length = fl_length_of(picks, i);
        for (int64_t j = picks->index[i]; length > 0; length--, j++, to += field->width) {
            bool valid = !chunk->validity || fl_bit(chunk->validity, chunk->base + j);
            int64_t index = valid ? fl_index(field, chunk->data, j) : 0;
            if (valid && chunk->map)
                index = chunk->map[index];
            memcpy(to, &index, (size_t)field->width);
        }
    }
}

int fl_take_dictionary(const struct fl_field *field, const struct fl_picks *picks,
                       struct ArrowArray *out, struct forkloader_error *error)
{
    int code = check_room(field, error);
    if (code != 0)
        return code;
    if (field->map_count == 0) {
        code = fl_take_fixed(field, picks, out, error);
    } else {
        uint8_t *to = fl_take_buffer(out, 1, picks->total, field->width, field, error);
        code = to ? 0 : ENOMEM;
        if (to)
            translate(to, field, picks);
    }
    if (code == 0 && fl_shared_array(field->values, out->dictionary) != 0)
        code = fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
    return code;
}
