/*
 * One dictionary for all batches.
 *
 * Batches of one file mostly share one dictionary, and it is kept as it is. Others get each value
 * once, in the order of the batches, where values can be compared by their bytes; values of nested
 * types are put one behind the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/table/unify.h"
#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>
#include <stdlib.h>

/* Whether two arrays are the same memory: what a producer gives out with every batch. */
static bool is_same(const struct ArrowArray *a, const struct ArrowArray *b)
{
    if (a->length != b->length || a->offset != b->offset || a->n_buffers != b->n_buffers)
        return false;
    for (int64_t i = 0; i < a->n_buffers; i++)
        if (a->buffers[i] != b->buffers[i])
            return false;
    for (int64_t i = 0; i < a->n_children; i++)
        if (!is_same(a->children[i], b->children[i]))
            return false;
    return !a->dictionary || is_same(a->dictionary, b->dictionary);
}

struct value {
    const uint8_t *bytes; /* NULL: null */
    size_t length;
};

static bool has_bytes(const struct fl_field *field)
{
    return field->class == FL_CLASS_FIXED || field->class == FL_CLASS_BINARY ||
           field->class == FL_CLASS_VIEW;
}

static struct value value_at(const struct fl_field *field, const struct fl_chunk *chunk, int64_t at)
{
    static const uint8_t EMPTY[1];
    struct value value = {0};
    if (chunk->validity && !fl_bit(chunk->validity, chunk->base + at))
        return value;
    if (field->class == FL_CLASS_FIXED) {
        value.length = (size_t)field->width;
        value.bytes = value.length ? chunk->data + at * field->width : EMPTY;
    } else if (field->class == FL_CLASS_BINARY) {
        int64_t start = fl_offset(chunk->data, field->width, at);
        value.length = (size_t)(fl_offset(chunk->data, field->width, at + 1) - start);
        value.bytes = value.length ? chunk->more + start : EMPTY;
    } else {
        struct fl_view view = fl_view_at(chunk->data, at);
        value.length = (size_t)view.length;
        value.bytes = view.length <= FL_VIEW_INLINED
                          ? chunk->data + at * (int64_t)sizeof view + 4
                          : (const uint8_t *)chunk->array->buffers[2 + view.buffer] + view.offset;
    }
    return value;
}

static uint64_t hash(struct value value)
{
    uint64_t hash = value.bytes ? 0x9e3779b97f4a7c15 + value.length : 0, word;
    for (size_t at = 0; value.bytes && at < value.length; at += sizeof word) {
        size_t left = value.length - at;
        word = 0;
        memcpy(&word, value.bytes + at, left < sizeof word ? left : sizeof word);
        hash = (hash ^ word) * 0xd6e8feb86659fd93;
        hash ^= hash >> 32;
    }
    return hash;
}

static bool equals(struct value a, struct value b)
{
    if (!a.bytes || !b.bytes)
        return !a.bytes && !b.bytes;
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* Values that were seen: a table of numbers, open, at most half full. */
struct seen {
    const struct fl_field *field;
    int64_t *slots; /* the number of a value, plus 1 */
    uint64_t mask;
    struct fl_picks_buffer room; /* where each was seen first */
    int64_t count;
};

/* The number that a value has got. */
static int64_t number_of(struct seen *seen, uint32_t batch, int64_t at)
{
    struct value value = value_at(seen->field, &seen->field->chunks[batch], at);
    for (uint64_t slot = hash(value) & seen->mask;; slot = (slot + 1) & seen->mask) {
        int64_t number = seen->slots[slot] - 1;
        if (number < 0) {
            seen->room.index[seen->count] = at;
            seen->room.chunk[seen->count] = batch;
            seen->slots[slot] = ++seen->count;
            return seen->count - 1;
        }
        struct value other = value_at(seen->field, &seen->field->chunks[seen->room.chunk[number]],
                                      seen->room.index[number]);
        if (equals(value, other))
            return number;
    }
}

static int seen_new(struct seen *seen, const struct fl_field *field, int64_t total,
                    struct forkloader_error *error)
{
    uint64_t slots = 16;
    *seen = (struct seen){.field = field};
    if (fl_picks_buffer_new(&seen->room, (size_t)total, FL_WITH_CHUNKS, field, error) != 0)
        return ENOMEM; /* before a total that is absurd is doubled */
    while (slots < (uint64_t)total * 2)
        slots *= 2;
    seen->mask = slots - 1;
    seen->slots = has_bytes(field) ? calloc(slots, sizeof *seen->slots) : NULL;
    if (has_bytes(field) && !seen->slots) {
        fl_picks_buffer_free(&seen->room);
        return fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
    }
    return 0;
}

/* Numbers the values of a batch; its map, or NULL: no memory. */
static int64_t *number_batch(struct seen *seen, uint32_t batch)
{
    int64_t length = seen->field->chunks[batch].array->length;
    int64_t *map = malloc((size_t)(length ? length : 1) * sizeof *map);
    for (int64_t i = 0; map && i < length; i++) {
        if (seen->slots) {
            map[i] = number_of(seen, batch, i);
        } else {
            seen->room.index[seen->count] = i;
            seen->room.chunk[seen->count] = batch;
            map[i] = seen->count++;
        }
    }
    return map;
}

static int make_values(struct fl_field *field, const struct fl_picks *picks,
                       struct forkloader_error *error)
{
    struct ArrowArray array;
    int code = fl_take(field->dictionary, picks, &array, error);
    if (code != 0)
        return code;
    field->value_count = picks->total;
    field->values = fl_shared_new(&array);
    return field->values
               ? 0
               : fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
}

/* One dictionary for all: kept. */
static int keep(struct fl_field *field, struct forkloader_error *error)
{
    int64_t first = 0;
    struct fl_picks picks = {.index = &first};
    if (field->chunk_count > 0 && field->chunks[0].array->dictionary->length > 0) {
        picks.runs = 1;
        picks.each = picks.total = field->chunks[0].array->dictionary->length;
    }
    return make_values(field, &picks, error);
}

static int number_batches(struct fl_field *field, struct seen *seen, struct forkloader_error *error)
{
    field->maps = (int64_t **)calloc(field->chunk_count, sizeof *field->maps);
    if (!field->maps)
        return fl_fail(error, ENOMEM, "column \"%s\": no memory", fl_field_path(field).text);
    for (size_t i = 0; i < field->chunk_count; i++) {
        if (i == 0 ||
            !is_same(field->dictionary->chunks[i - 1].array, field->dictionary->chunks[i].array)) {
            int64_t *map = number_batch(seen, (uint32_t)i);
            if (!map)
                return fl_fail(error, ENOMEM, "column \"%s\": no memory",
                               fl_field_path(field).text);
            field->maps[field->map_count++] = map;
        }
        field->chunks[i].map = field->maps[field->map_count - 1];
    }
    return 0;
}

static int unify(struct fl_field *field, struct forkloader_error *error)
{
    const struct fl_chunk *chunks = field->dictionary->chunks;
    int64_t total = 0;
    bool differ = false;
    struct seen seen;
    for (size_t i = 0; i < field->chunk_count; i++) {
        bool same = i > 0 && is_same(chunks[i - 1].array, chunks[i].array);
        differ |= i > 0 && !same;
        if (!same && fl_take_add(field, &total, chunks[i].array->length, error) != 0)
            return EOVERFLOW;
    }
    if (!differ)
        return keep(field, error);
    int code = seen_new(&seen, field->dictionary, total, error);
    if (code != 0)
        return code;
    code = number_batches(field, &seen, error);
    if (code == 0) {
        struct fl_picks picks = {.index = seen.room.index,
                                 .chunk = seen.room.chunk,
                                 .each = 1,
                                 .runs = (size_t)seen.count,
                                 .total = seen.count};
        code = make_values(field, &picks, error);
    }
    free(seen.slots);
    fl_picks_buffer_free(&seen.room);
    return code;
}

int fl_unify(struct fl_field *field, struct forkloader_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < field->child_count; i++)
        code = fl_unify(&field->children[i], error);
    if (code == 0 && field->dictionary) {
        code = fl_unify(field->dictionary, error);
        if (code == 0)
            code = unify(field, error);
    }
    return code;
}
