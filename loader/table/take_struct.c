/*
 * Structs and unions: several children by the same picks, or each by its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

int fl_take_struct(const struct fl_field *field, const struct fl_picks *picks,
                   struct ArrowArray *out, struct forkloader_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < field->child_count; i++)
        code = fl_take(&field->children[i], picks, out->children[i], error);
    return code;
}

static void copy_ids(uint8_t *to, const struct fl_field *field, const struct fl_picks *picks)
{
    for (size_t i = 0; i < picks->runs; i++) {
        int64_t length = fl_length_of(picks, i);
        if (length > 0)
            memcpy(to, field->chunks[fl_chunk_of(picks, i)].data + picks->index[i], (size_t)length);
        to += length;
    }
}

int fl_take_sparse_union(const struct fl_field *field, const struct fl_picks *picks,
                         struct ArrowArray *out, struct forkloader_error *error)
{
    uint8_t *ids = fl_take_buffer(out, 0, picks->total, 1, field, error);
    if (!ids)
        return ENOMEM;
    copy_ids(ids, field, picks);
    return fl_take_struct(field, picks, out, error);
}

/* The children's picks share one buffer, one child after the other. */
struct share {
    size_t begin[129];
    size_t filled[128];
};

/* Each child's values follow in the order of their use. */
static void share_out(int32_t *offsets, struct share *share, const struct fl_picks_buffer *room,
                      const struct fl_field *field, const struct fl_picks *picks)
{
    for (size_t i = 0; i < picks->runs; i++) {
        uint32_t number = fl_chunk_of(picks, i);
        const struct fl_chunk *chunk = &field->chunks[number];
        int64_t length = fl_length_of(picks, i);
        for (int64_t j = picks->index[i]; length > 0; length--, j++) {
            size_t child = (size_t)field->child_of[chunk->data[j]];
            size_t at = share->begin[child] + share->filled[child];
            room->index[at] = fl_int32(chunk->more, j);
            room->chunk[at] = number;
            *offsets++ = (int32_t)share->filled[child]++;
        }
    }
}

int fl_take_dense_union(const struct fl_field *field, const struct fl_picks *picks,
                        struct ArrowArray *out, struct forkloader_error *error)
{
    struct share share = {.begin = {0}};
    struct fl_picks_buffer room;
    uint8_t *ids = fl_take_buffer(out, 0, picks->total, 1, field, error);
    int32_t *offsets = ids ? fl_take_buffer(out, 1, picks->total, 4, field, error) : NULL;
    if (!offsets ||
        fl_picks_buffer_new(&room, (size_t)picks->total, FL_WITH_CHUNKS, field, error) != 0)
        return ENOMEM;
    copy_ids(ids, field, picks);
    for (int64_t i = 0; i < picks->total; i++)
        share.begin[field->child_of[ids[i]] + 1]++;
    int code = 0;
    for (size_t i = 0; code == 0 && i < field->child_count; i++)
        code = fl_take_fits(field, (int64_t)share.begin[i + 1], 4, error);
    for (size_t i = 0; i < field->child_count; i++)
        share.begin[i + 1] += share.begin[i];
    if (code == 0)
        share_out(offsets, &share, &room, field, picks);
    for (size_t i = 0; code == 0 && i < field->child_count; i++) {
        struct fl_picks below = {.index = room.index + share.begin[i],
                                 .chunk = room.chunk + share.begin[i],
                                 .each = 1,
                                 .runs = share.filled[i],
                                 .total = (int64_t)share.filled[i]};
        code = fl_take(&field->children[i], &below, out->children[i], error);
    }
    fl_picks_buffer_free(&room);
    return code;
}
