/*
 * The bytes of an input, as numbers that are wrong now and then, and what was given out of them.
 * For one file of a program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_ARROW_WORLD_H
#define FP_TESTS_ARROW_WORLD_H

#include "forkloader.h"
#include "tests/fuzz/fuzz.h"

enum { BATCHES = 3, ROWS = 24, DEEPEST = 4, PIECES = 4096 };

struct input {
    const uint8_t *at, *end;
};

/* What was given out, and how it came back. */
static struct {
    void *pieces[PIECES];
    size_t piece_count;
    unsigned given[3], released[3]; /* stream, schema, arrays */
    struct input *input;
    struct ArrowSchema *schema;
    unsigned batches_left;
    bool failing;
} world;

static inline uint8_t byte(void)
{
    return world.input->at < world.input->end ? *world.input->at++ : 0;
}

/* Once in `of` times; never when the input has ended. */
static inline bool seldom(unsigned of)
{
    return byte() % of == of - 1;
}

/* Of the very size. */
static inline void *piece(size_t size)
{
    MUST(world.piece_count < PIECES);
    void *made = calloc(size, 1);
    MUST(made || !size);
    world.pieces[world.piece_count++] = made;
    return made;
}

static inline int64_t hostile(void)
{
    static const int64_t NUMBERS[] = {-1,        INT64_MIN, INT64_MAX, INT64_MAX - 1, INT32_MAX,
                                      INT32_MIN, -2,        1LL << 62, 1LL << 61,     1LL << 32};
    return NUMBERS[byte() % (sizeof NUMBERS / sizeof *NUMBERS)];
}

static inline void release_stream(struct ArrowArrayStream *stream)
{
    world.released[0]++;
    stream->release = NULL;
}

static inline void release_schema(struct ArrowSchema *schema)
{
    world.released[1]++;
    schema->release = NULL;
}

static inline void release_array(struct ArrowArray *array)
{
    world.released[2]++;
    array->release = NULL;
}

#endif
