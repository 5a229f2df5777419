/* See take_bits.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/table/take_bits.h"

#include "loader/arrow/bits.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

/* Bits that are written one after the other, a word at a time. */
struct sink {
    uint8_t *to;
    uint64_t word;
    unsigned filled;
    int64_t ones;
};

static void flush(struct sink *sink)
{
    unsigned bytes = (sink->filled + 7) / 8;
    sink->ones += __builtin_popcountll(sink->word);
    memcpy(sink->to, &sink->word, bytes);
    sink->to += bytes;
    sink->word = 0;
    sink->filled = 0;
}

static inline void put(struct sink *sink, uint64_t bits, unsigned count)
{
    unsigned room = 64 - sink->filled;
    sink->word |= bits << sink->filled;
    if (count < room) {
        sink->filled += count;
        return;
    }
    sink->filled = 64;
    flush(sink);
    if (count > room) {
        sink->word = bits >> room;
        sink->filled = count - room;
    }
}

/* NULL: ones. */
static void put_run(struct sink *sink, const uint8_t *bits, int64_t at, int64_t length)
{
    for (; length > 0; at += 64, length -= 64) {
        unsigned count = length < 64 ? (unsigned)length : 64;
        uint64_t ones = count < 64 ? ((uint64_t)1 << count) - 1 : UINT64_MAX;
        put(sink, bits ? fl_bits_read(bits, at, count) : ones, count);
    }
}

/* One bit of each of up to 64 runs, as a word. */
static uint64_t pick_bits(const struct fl_field *field, const struct fl_picks *picks, size_t first,
                          unsigned count, bool validity)
{
    static const uint8_t ONES = 0xff;
    const uint8_t *places[64];
    unsigned shifts[64];
    uint64_t word = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct fl_chunk *chunk = &field->chunks[fl_chunk_of(picks, first + i)];
        const uint8_t *bits = validity ? chunk->validity : chunk->data;
        int64_t at = chunk->base + picks->index[first + i];
        places[i] = bits ? bits + (at >> 3) : &ONES;
        shifts[i] = (unsigned)(at & 7);
        __builtin_prefetch(places[i]);
    }
    for (unsigned i = 0; i < count; i++)
        word |= (uint64_t)(*places[i] >> shifts[i] & 1) << i;
    return word;
}

int64_t fl_bits_take(uint8_t *to, const struct fl_field *field, const struct fl_picks *picks,
                     bool validity)
{
    struct sink sink = {.to = to};
    bool units = !picks->length && picks->each == 1;
    for (size_t i = 0; units && i < picks->runs; i += 64) {
        unsigned count = picks->runs - i < 64 ? (unsigned)(picks->runs - i) : 64;
        put(&sink, pick_bits(field, picks, i, count, validity), count);
    }
    for (size_t i = 0; !units && i < picks->runs; i++) {
        const struct fl_chunk *chunk = &field->chunks[fl_chunk_of(picks, i)];
        const uint8_t *bits = validity ? chunk->validity : chunk->data;
        int64_t at = chunk->base + picks->index[i];
        if (i + FL_AHEAD < picks->runs) {
            const struct fl_chunk *next = &field->chunks[fl_chunk_of(picks, i + FL_AHEAD)];
            __builtin_prefetch(fl_place(validity ? next->validity : next->data,
                                        (next->base + picks->index[i + FL_AHEAD]) >> 3, 1));
        }
        put_run(&sink, bits, at, fl_length_of(picks, i));
    }
    flush(&sink);
    return sink.ones;
}

int fl_take_boolean(const struct fl_field *field, const struct fl_picks *picks,
                    struct ArrowArray *out, struct forkloader_error *error)
{
    uint8_t *bits = fl_take_buffer(out, 1, fl_bytes_of_bits(picks->total), 1, field, error);
    if (!bits)
        return ENOMEM;
    (void)fl_bits_take(bits, field, picks, false);
    return 0;
}
