/*
 * An order as an Arrow stream of batches: row_id and split_id, as LanceDB's permutation tables have
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/permutation/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many that a column fills two huge pages: who keeps the whole table spends more time on page
   faults than on permutations. */
enum { BATCH_ROWS = 1 << 19 };

struct state {
    struct forkloader_order *order; /* an owner of it */
    char *metadata;                 /* in Arrow's own form; NULL: none */
    size_t split;
    uint64_t next;               /* position in the split */
    struct fl_shared *split_ids; /* those of all batches of this split; NULL: not made yet */
    struct forkloader_error error;
};

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    const struct state *state = stream->private_data;
    struct ArrowSchema row_id = {.format = "L", .name = "row_id", .flags = ARROW_FLAG_NULLABLE};
    struct ArrowSchema split_id = {.format = "L", .name = "split_id"};
    struct ArrowSchema *columns[] = {&row_id, &split_id};
    struct ArrowSchema table = {.format = "+s",
                                .name = "",
                                .metadata = state->metadata,
                                .n_children = 2,
                                .children = columns};
    return fl_schema_copy(schema, &table, NULL, 0);
}

/* Where a column of words has its values; NULL: no memory. */
static uint64_t *new_words(struct ArrowArray *array, size_t count)
{
    if (fl_array_make(array, (int64_t)count, 2, 0, false) != 0)
        return NULL;
    uint64_t *words = fl_array_buffer(array, 1, count * sizeof *words);
    if (!words)
        array->release(array);
    return words;
}

static struct fl_shared *new_split_ids(uint64_t split, size_t count)
{
    struct ArrowArray array;
    uint64_t *words = new_words(&array, count);
    for (size_t i = 0; words && i < count; i++)
        words[i] = split;
    return words ? fl_shared_new(&array) : NULL;
}

static void forget_split_ids(struct state *state)
{
    if (state->split_ids)
        fl_shared_drop(state->split_ids);
    state->split_ids = NULL;
}

/* On to the first split that has rows left. */
static uint64_t rows_left(struct state *state)
{
    size_t splits = forkloader_order_splits(state->order);
    for (; state->split < splits; state->split++, state->next = 0) {
        uint64_t left = forkloader_order_rows(state->order, state->split) - state->next;
        if (left)
            return left;
        forget_split_ids(state);
    }
    return 0;
}

/* The first batch of a split is its longest. */
static int fill(struct state *state, struct ArrowArray *array, size_t count)
{
    uint64_t *rows = new_words(array->children[0], count);
    if (!state->split_ids)
        state->split_ids = new_split_ids(state->split, count);
    if (!rows || !state->split_ids || fl_shared_array(state->split_ids, array->children[1]) != 0)
        return fl_fail(&state->error, ENOMEM, "no memory for a batch of %zu rows", count);
    array->children[1]->length = (int64_t)count;
    return forkloader_order_read(state->order, state->split, state->next, count, rows,
                                 &state->error);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    struct state *state = stream->private_data;
    uint64_t left = rows_left(state);
    size_t count = left < BATCH_ROWS ? (size_t)left : BATCH_ROWS;
    *array = (struct ArrowArray){.release = NULL};
    if (!count)
        return 0;
    if (fl_array_make(array, (int64_t)count, 1, 2, false) != 0)
        return fl_fail(&state->error, ENOMEM, "no memory for a batch of %zu rows", count);
    int failed = fill(state, array, count);
    if (failed)
        array->release(array);
    state->next += count;
    return failed;
}

static const char *last_error(struct ArrowArrayStream *stream)
{
    const struct state *state = stream->private_data;
    return *state->error.message ? state->error.message : NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    struct state *state = stream->private_data;
    forget_split_ids(state);
    forkloader_order_free(state->order);
    free(state->metadata);
    free(state);
    stream->release = NULL;
}

/* A JSON array of strings. */
static char *names_in_json(const char *const *names, size_t count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    fputc('[', stream);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? ",\"" : "\"", stream);
        for (const unsigned char *at = (const unsigned char *)names[i]; *at; at++) {
            if (*at == '"' || *at == '\\')
                fprintf(stream, "\\%c", *at);
            else if (*at < ' ')
                fprintf(stream, "\\u%04x", *at);
            else
                fputc(*at, stream);
        }
        fputc('"', stream);
    }
    fputc(']', stream);
    if (fclose(stream) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}

static void put(char **at, const void *bytes, size_t size)
{
    memcpy(*at, bytes, size);
    *at += size;
}

/* Arrow's metadata: how many pairs, and each key and value after its length (native int32). */
static int add_metadata(struct state *state, const char *const *names)
{
    static const char KEY[] = "split_names";
    char *json = names_in_json(names, forkloader_order_splits(state->order));
    if (!json)
        return ENOMEM;
    int32_t pairs = 1, key_length = sizeof KEY - 1, length = (int32_t)strlen(json);
    char *at = state->metadata = malloc(3 * sizeof(int32_t) + (size_t)key_length + (size_t)length);
    if (at) {
        put(&at, &pairs, sizeof pairs);
        put(&at, &key_length, sizeof key_length);
        put(&at, KEY, (size_t)key_length);
        put(&at, &length, sizeof length);
        put(&at, json, (size_t)length);
    }
    free(json);
    return state->metadata ? 0 : ENOMEM;
}

FL_PUBLIC int forkloader_order_export(struct forkloader_order *order, const char *const *names,
                                      struct ArrowArrayStream *stream,
                                      struct forkloader_error *error)
{
    struct state *state = calloc(1, sizeof *state);
    if (state)
        state->order = order;
    if (!state || (names && add_metadata(state, names) != 0)) {
        free(state);
        return fl_fail(error, ENOMEM, "no memory for a stream");
    }
    (void)fl_order_keep(order);
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = last_error,
                                        .release = release_stream,
                                        .private_data = state};
    return 0;
}
