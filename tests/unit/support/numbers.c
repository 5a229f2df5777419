/* See numbers.h. SPDX-License-Identifier: Apache-2.0 */
#include "numbers.h"

#include <stdlib.h>
#include <string.h>

atomic_int numbers_arrays_released, numbers_schemas_released;

/* All of an array, in one piece of memory. */
struct whole {
    struct ArrowArray column, *children[1];
    const void *buffers[1], *column_buffers[2];
    int64_t values[];
};

static void release_column(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    free(array->private_data);
    array->release = NULL;
    atomic_fetch_add(&numbers_arrays_released, 1);
}

static void release_field(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    free(schema->children[0]);
    free(schema->children);
    schema->release = NULL;
    atomic_fetch_add(&numbers_schemas_released, 1);
}

static void make_schema(struct ArrowSchema *schema)
{
    struct ArrowSchema *field = malloc(sizeof *field);
    *field = (struct ArrowSchema){.format = "l", .name = "n", .release = release_field};
    *schema = (struct ArrowSchema){.format = "+s",
                                   .name = "",
                                   .n_children = 1,
                                   .children = malloc(sizeof field),
                                   .release = release_schema};
    schema->children[0] = field;
}

void numbers_array(struct ArrowArray *array, struct ArrowSchema *schema, int64_t first,
                   int64_t count)
{
    struct whole *whole = calloc(1, sizeof *whole + (size_t)count * sizeof *whole->values);
    for (int64_t i = 0; i < count; i++)
        whole->values[i] = (first + i) * 3;
    whole->column_buffers[1] = whole->values;
    whole->children[0] = &whole->column;
    whole->column = (struct ArrowArray){.length = count,
                                        .n_buffers = 2,
                                        .buffers = whole->column_buffers,
                                        .release = release_column};
    *array = (struct ArrowArray){.length = count,
                                 .n_buffers = 1,
                                 .n_children = 1,
                                 .buffers = whole->buffers,
                                 .children = whole->children,
                                 .release = release_array,
                                 .private_data = whole};
    make_schema(schema);
}

/* A stream of one batch. */
struct once {
    struct ArrowArray array;
    struct ArrowSchema schema;
};

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    *schema = ((struct once *)stream->private_data)->schema;
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    struct once *once = stream->private_data;
    *array = once->array;
    once->array.release = NULL;
    return 0;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

struct forkloader_table *numbers_table(int64_t rows)
{
    struct once once;
    struct forkloader_table *table;
    struct ArrowArrayStream stream = {.get_schema = get_schema,
                                      .get_next = get_next,
                                      .release = release_stream,
                                      .private_data = &once};
    numbers_array(&once.array, &once.schema, 0, rows);
    (void)forkloader_table_import(&table, &stream, NULL);
    return table;
}

static bool has_shape(const struct ArrowArray *array, size_t count)
{
    return array->release && array->n_children == 1 && array->length == (int64_t)count &&
           array->children[0]->length == (int64_t)count;
}

bool numbers_are(const struct ArrowArray *array, const uint64_t *rows, size_t count)
{
    if (!has_shape(array, count))
        return false;
    const int64_t *values = array->children[0]->buffers[1];
    for (size_t i = 0; i < count; i++)
        if (values[i] != (int64_t)rows[i] * 3)
            return false;
    return true;
}

bool numbers_run(const struct ArrowArray *array, uint64_t first, size_t count)
{
    if (!has_shape(array, count))
        return false;
    const int64_t *values = array->children[0]->buffers[1];
    for (size_t i = 0; i < count; i++)
        if (values[i] != (int64_t)(first + i) * 3)
            return false;
    return true;
}
