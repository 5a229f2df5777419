/*
 * An order as an Arrow stream of batches: row_id and split_id, as LanceDB's permutation tables have
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "forkloader.h"
#include "loader/error.h"
#include "loader/public.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_ROWS = 1 << 16, COLUMNS = 2 };

static const char *const COLUMN_NAMES[COLUMNS] = {"row_id", "split_id"};

struct state {
    const struct forkloader_order *order;
    char *metadata; /* in Arrow's own form; NULL: none */
    size_t metadata_size;
    size_t split;
    uint64_t next; /* position in the split */
    struct forkloader_error error;
};

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
        free(schema->children[i]);
    }
    free(schema->children);
    free((void *)(uintptr_t)schema->metadata);
    schema->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    const struct state *state = stream->private_data;
    *schema = (struct ArrowSchema){.format = "+s", .name = "", .release = release_schema};
    schema->children = calloc(COLUMNS, sizeof *schema->children);
    char *metadata = state->metadata ? malloc(state->metadata_size) : NULL;
    if (metadata)
        memcpy(metadata, state->metadata, state->metadata_size);
    schema->metadata = metadata;
    for (int i = 0; schema->children && i < COLUMNS; i++) {
        struct ArrowSchema *column = calloc(1, sizeof *column);
        if (!column)
            break;
        *column = (struct ArrowSchema){.format = "L",
                                       .name = COLUMN_NAMES[i],
                                       .flags = i ? 0 : ARROW_FLAG_NULLABLE,
                                       .release = release_schema};
        schema->children[schema->n_children++] = column;
    }
    if (schema->n_children == COLUMNS && (metadata || !state->metadata))
        return 0;
    release_schema(schema);
    return ENOMEM;
}

/* Of a column and of the struct: what each points to is its own. */
static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
        free(array->children[i]);
    }
    free(array->children);
    for (int64_t i = 0; array->buffers && i < array->n_buffers; i++)
        free((void *)(uintptr_t)array->buffers[i]);
    free(array->buffers);
    array->release = NULL;
}

static struct ArrowArray *new_column(int64_t length)
{
    struct ArrowArray *column = calloc(1, sizeof *column);
    const void **buffers = calloc(2, sizeof *buffers);
    void *values = malloc((size_t)length * sizeof(uint64_t) + 1);
    if (!column || !buffers || !values) {
        free(column);
        free(buffers);
        free(values);
        return NULL;
    }
    buffers[1] = values;
    *column = (struct ArrowArray){
        .length = length, .n_buffers = 2, .buffers = buffers, .release = release_array};
    return column;
}

static int new_batch(struct ArrowArray *array, int64_t length)
{
    *array = (struct ArrowArray){.length = length, .n_buffers = 1, .release = release_array};
    array->children = calloc(COLUMNS, sizeof *array->children);
    array->buffers = calloc(1, sizeof *array->buffers);
    while (array->children && array->n_children < COLUMNS &&
           (array->children[array->n_children] = new_column(length)))
        array->n_children++;
    if (array->n_children == COLUMNS && array->buffers)
        return 0;
    release_array(array);
    return ENOMEM;
}

static uint64_t *values_of(struct ArrowArray *array, int column)
{
    return (uint64_t *)(uintptr_t)array->children[column]->buffers[1];
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    struct state *state = stream->private_data;
    while (state->split < forkloader_order_splits(state->order) &&
           state->next == forkloader_order_rows(state->order, state->split)) {
        state->split++;
        state->next = 0;
    }
    *array = (struct ArrowArray){.release = NULL};
    if (state->split == forkloader_order_splits(state->order))
        return 0;
    uint64_t left = forkloader_order_rows(state->order, state->split) - state->next;
    size_t count = left < BATCH_ROWS ? (size_t)left : BATCH_ROWS;
    if (new_batch(array, (int64_t)count) != 0)
        return fl_fail(&state->error, ENOMEM, "no memory for a batch of %zu rows", count);
    uint64_t *split_ids = values_of(array, 1);
    int failed = forkloader_order_read(state->order, state->split, state->next, count,
                                       values_of(array, 0), &state->error);
    for (size_t i = 0; i < count; i++)
        split_ids[i] = state->split;
    state->next += count;
    if (failed)
        release_array(array);
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

/* Arrow's metadata: how many pairs, and each key and value behind its length (native int32). */
static int add_metadata(struct state *state, const char *const *names)
{
    static const char KEY[] = "split_names";
    char *json = names_in_json(names, forkloader_order_splits(state->order));
    if (!json)
        return ENOMEM;
    int32_t pairs = 1, key_length = sizeof KEY - 1, length = (int32_t)strlen(json);
    state->metadata_size = 3 * sizeof(int32_t) + (size_t)key_length + (size_t)length;
    char *at = state->metadata = malloc(state->metadata_size);
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

FL_PUBLIC int forkloader_order_export(const struct forkloader_order *order,
                                      const char *const *names, struct ArrowArrayStream *stream,
                                      struct forkloader_error *error)
{
    struct state *state = calloc(1, sizeof *state);
    if (state)
        state->order = order;
    if (!state || (names && add_metadata(state, names) != 0)) {
        free(state);
        return fl_fail(error, ENOMEM, "no memory for a stream");
    }
    *stream = (struct ArrowArrayStream){.get_schema = get_schema,
                                        .get_next = get_next,
                                        .get_last_error = last_error,
                                        .release = release_stream,
                                        .private_data = state};
    return 0;
}
