/*
 * Any bytes as an SQL expression over a small table with columns of every kind: rows come in order
 * and lie in the table, values are as many as rows, and an error is one line.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "include/forkloader.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { ROWS = 4, COLUMNS = 9, TEXT_MOST = 4096 };

static const uint8_t VALID[1] = {0x0D}; /* row 1 is null */
static const int64_t IDS[ROWS] = {0, 1, -5, INT64_MAX};
static const double REALS[ROWS] = {0.5, 0, -0.0, 1e300};
static const uint64_t BIGS[ROWS] = {0, 1, UINT64_MAX, (uint64_t)1 << 63};
static const int32_t OFFSETS[ROWS + 1] = {0, 1, 1, 4, 7};
static const char TEXT[] = "aabcA%_";
static const uint8_t FLAGS[1] = {0x05};
static const int32_t DAYS[ROWS] = {0, 1, 19782, INT32_MAX};
static const int64_t STAMPS[ROWS] = {0, 1, -1, INT64_MIN};
static const uint64_t DECIMALS[2 * ROWS] = {150, 0, 1, 0, UINT64_MAX, UINT64_MAX, 0, 1};
static double reals[ROWS];

static const struct {
    const char *name, *format;
    const void *values, *text;
} HAVE[COLUMNS] = {
    {"id", "l", IDS, NULL},     {"x", "g", reals, NULL},      {"u", "L", BIGS, NULL},
    {"t", "u", OFFSETS, TEXT},  {"b", "z", OFFSETS, TEXT},    {"f", "b", FLAGS, NULL},
    {"day", "tdD", DAYS, NULL}, {"ts", "tsu:", STAMPS, NULL}, {"d", "d:20,2", DECIMALS, NULL},
};

static const void *buffers[COLUMNS + 1][3];
static struct ArrowArray columns[COLUMNS];
static struct ArrowSchema schemas[COLUMNS];
static struct ArrowArray *column_pointers[COLUMNS];
static struct ArrowSchema *schema_pointers[COLUMNS];
static int batches;

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    stream->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    for (int i = 0; i < COLUMNS; i++) {
        schema_pointers[i] = &schemas[i];
        schemas[i] = (struct ArrowSchema){.format = HAVE[i].format,
                                          .name = HAVE[i].name,
                                          .flags = ARROW_FLAG_NULLABLE,
                                          .release = release_schema};
    }
    *out = (struct ArrowSchema){.format = "+s",
                                .name = "",
                                .n_children = COLUMNS,
                                .children = schema_pointers,
                                .release = release_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    *out = (struct ArrowArray){.release = NULL};
    if (batches++)
        return 0;
    memcpy(reals, REALS, sizeof reals);
    reals[3] = __builtin_nan("");
    for (int i = 0; i < COLUMNS; i++) {
        buffers[i][0] = VALID;
        buffers[i][1] = HAVE[i].values;
        buffers[i][2] = HAVE[i].text;
        column_pointers[i] = &columns[i];
        columns[i] = (struct ArrowArray){.length = ROWS,
                                         .null_count = 1,
                                         .n_buffers = HAVE[i].text ? 3 : 2,
                                         .buffers = buffers[i],
                                         .release = release_array};
    }
    *out = (struct ArrowArray){.length = ROWS,
                               .n_buffers = 1,
                               .n_children = COLUMNS,
                               .buffers = buffers[COLUMNS],
                               .children = column_pointers,
                               .release = release_array};
    return 0;
}

static struct forkloader_table *table(void)
{
    static struct forkloader_table *made;
    struct ArrowArrayStream stream = {
        .get_schema = get_schema, .get_next = get_next, .release = release_stream};
    if (!made)
        MUST(forkloader_table_import(&made, &stream, NULL) == 0);
    return made;
}

static void check_error(const struct forkloader_error *error)
{
    MUST(memchr(error->message, '\0', sizeof error->message) && error->message[0]);
    for (const char *at = error->message; *at; at++)
        MUST((unsigned char)*at >= 32 && *at != 127);
}

static void check_filter(const char *text)
{
    struct forkloader_error error = {.message = ""};
    uint64_t *rows, count;
    if (forkloader_table_filter(table(), text, &rows, &count, &error)) {
        check_error(&error);
        MUST(!rows && !count);
        return;
    }
    MUST(count <= ROWS);
    for (uint64_t i = 0; i < count; i++)
        MUST(rows[i] < ROWS && (i == 0 || rows[i] > rows[i - 1]));
    forkloader_rows_free(rows);
}

static void check_evaluate(const char *text)
{
    struct forkloader_error error = {.message = ""};
    struct ArrowArray array;
    struct ArrowSchema schema;
    if (forkloader_table_evaluate(table(), text, &array, &schema, &error)) {
        check_error(&error);
        return;
    }
    MUST(array.length == ROWS && array.null_count <= ROWS && schema.format);
    MUST(strchr("blLguzUZ", schema.format[0]));
    array.release(&array);
    schema.release(&schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MOST + 1];
    if (size > TEXT_MOST)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_filter(text);
    check_evaluate(text);
    return 0;
}
