/*
 * Any bytes as a stream of Arrow arrays, most of them wrong somewhere: what is imported can be
 * taken from, and what is taken is itself a table without a fault. Everything given out is released
 * once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/fuzz/arrow_arrays.h"

#include <stdio.h>
#include <string.h>

const char *__asan_default_options(void);

/* What is too much memory is an error of the take, and no fault. */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=512";
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    if (seldom(200))
        return 5;
    *out = *world.schema;
    world.given[1] += out->release != NULL;
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    memset(out, 0, sizeof *out);
    if (world.batches_left == 0)
        return 0;
    if (seldom(100))
        return world.failing = true, 5;
    world.batches_left--;
    *out = *make_array(world.schema, byte() % 8, 0);
    world.given[2] += out->release != NULL;
    return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return seldom(2) ? NULL : "line\nline";
}

/* A stream of one array, which is taken over. */
struct one {
    struct ArrowSchema schema;
    struct ArrowArray array;
};

static int one_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct one *one = stream->private_data;
    *out = one->schema;
    return 0;
}

static int one_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct one *one = stream->private_data;
    *out = one->array;
    one->array.release = NULL;
    return 0;
}

static void one_release(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

/* What was taken has no fault, and taking all of it again neither. */
static void check_taken(struct one *one, size_t count, bool again)
{
    struct ArrowArrayStream stream = {.get_schema = one_schema,
                                      .get_next = one_next,
                                      .release = one_release,
                                      .private_data = one};
    struct forkloader_error error = {""};
    struct forkloader_table *table;
    struct one second;
    uint64_t rows[ROWS];
    int code = forkloader_table_import(&table, &stream, &error);
    if (code != 0)
        fprintf(stderr, "what was taken: %s\n", error.message);
    MUST(code == 0 && forkloader_table_rows(table) == count && !stream.release);
    for (size_t i = 0; i < count; i++)
        rows[i] = count - 1 - i;
    code = forkloader_table_take(table, rows, count, NULL, 0, &second.array, &second.schema, NULL);
    MUST(code == 0);
    forkloader_table_free(table);
    if (again)
        check_taken(&second, count, false);
    if (again)
        return;
    second.array.release(&second.array);
    second.schema.release(&second.schema);
}

static void take(struct forkloader_table *table)
{
    struct forkloader_error error = {""};
    uint64_t total = forkloader_table_rows(table), rows[ROWS];
    size_t count = byte() % ROWS;
    struct one one;
    for (size_t i = 0; i < count; i++) {
        uint64_t row = byte();
        row = seldom(8) ? total - 1 - row % 8 : row;
        rows[i] = seldom(200) ? row : total ? row % total : row;
    }
    int columns[2] = {0, byte() % 3};
    bool some = byte() % 2;
    int code = forkloader_table_take(table, rows, count, some ? columns : NULL, some ? 2 : 0,
                                     &one.array, &one.schema, &error);
    MUST(code == 0 ? one.array.release && one.schema.release
                   : error.message[0] && !one.array.release && !one.schema.release);
    forkloader_table_free(table);
    if (code == 0)
        check_taken(&one, count, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct ArrowArrayStream stream = {get_schema, get_next, get_last_error, release_stream, NULL};
    struct forkloader_error error = {""};
    struct forkloader_table *table = NULL;
    memset(&world, 0, sizeof world);
    world.input = &input;
    world.batches_left = byte() % (BATCHES + 1);
    world.schema = make_schema(0, seldom(32) ? NULL : "+s");
    int code = forkloader_table_import(&table, &stream, &error);
    if (getenv("FUZZ_SAY"))
        fprintf(stderr, "%d: %s\n", code, error.message);
    for (const char *at = error.message; *at; at++)
        MUST((unsigned char)*at >= 0x20);
    MUST(code == 0 ? table != NULL : !table && error.message[0]);
    MUST(world.released[0] == 1);
    if (code == 0)
        take(table);
    MUST(world.released[1] == world.given[1] && world.released[2] == world.given[2]);
    for (size_t i = 0; i < world.piece_count; i++)
        free(world.pieces[i]);
    return 0;
}
