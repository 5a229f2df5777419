/*
 * Any bytes as a stream of Arrow arrays, most of them wrong somewhere: what is imported can be
 * taken from, and what is taken is itself a table without a fault. Everything given out is released
 * once. Buffers end where the format says they must, so that a sanitizer sees each byte too far.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forkloader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* What is too much memory is an error of the take, and no fault. */
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=512";
}

/* Not assert: the checks must hold in builds with NDEBUG too. */
#define MUST(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

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

static uint8_t byte(void)
{
    return world.input->at < world.input->end ? *world.input->at++ : 0;
}

/* Once in `of` times; never when the input has ended. */
static bool seldom(unsigned of)
{
    return byte() % of == of - 1;
}

/* Of the very size. */
static void *piece(size_t size)
{
    MUST(world.piece_count < PIECES);
    void *made = calloc(size, 1);
    MUST(made || !size);
    world.pieces[world.piece_count++] = made;
    return made;
}

static int64_t hostile(void)
{
    static const int64_t NUMBERS[] = {-1,        INT64_MIN, INT64_MAX, INT64_MAX - 1, INT32_MAX,
                                      INT32_MIN, -2,        1LL << 62, 1LL << 61,     1LL << 32};
    return NUMBERS[byte() % (sizeof NUMBERS / sizeof *NUMBERS)];
}

static void release_stream(struct ArrowArrayStream *stream)
{
    world.released[0]++;
    stream->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    world.released[1]++;
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    world.released[2]++;
    array->release = NULL;
}

static const struct format {
    const char *text;
    int children; /* -1: some */
    int width;    /* bytes of an element of buffer 1, or of 0 in unions; 0: bits, or none */
} FORMATS[] = {
    {"+s", -1, 0},     {"i", 0, 4},       {"u", 0, 4},           {"n", 0, 0},       {"b", 0, 0},
    {"c", 0, 1},       {"C", 0, 1},       {"s", 0, 2},           {"L", 0, 8},       {"l", 0, 8},
    {"g", 0, 8},       {"d:9,2", 0, 16},  {"d:40,1,256", 0, 32}, {"w:5", 0, 5},     {"w:0", 0, 0},
    {"U", 0, 8},       {"vu", 0, 16},     {"vz", 0, 16},         {"+l", 1, 4},      {"+L", 1, 8},
    {"+vl", 1, 4},     {"+vL", 1, 8},     {"+w:3", 1, 0},        {"+w:0", 1, 0},    {"+m", 1, 4},
    {"+us:3,0", 2, 1}, {"+ud:0,7", 2, 1}, {"+r", 2, 0},          {"tsu:UTC", 0, 8}, {"tin", 0, 16},
    {"+ud:", 0, 1},    {"+us:", 0, 1},
};
enum { FORMAT_COUNT = sizeof FORMATS / sizeof *FORMATS };

static const struct format *format_of(const struct ArrowSchema *schema)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (schema->format && strcmp(schema->format, FORMATS[i].text) == 0)
            return &FORMATS[i];
    return NULL;
}

static bool is(const struct ArrowSchema *schema, const char *beginning)
{
    return schema->format && strncmp(schema->format, beginning, strlen(beginning)) == 0;
}

static char *any_text(void)
{
    size_t length = byte() % 16;
    char *text = piece(length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)byte();
    text[length] = '\0';
    return text;
}

static struct ArrowSchema *make_schema(unsigned depth, const char *format);

static void make_children(struct ArrowSchema *schema, const struct format *format, unsigned depth)
{
    int64_t count = format->children < 0 ? 1 + byte() % 3 : format->children;
    count += seldom(64);
    schema->children = piece((size_t)count * sizeof *schema->children);
    for (int64_t i = 0; i < count; i++) {
        const char *wanted = NULL;
        if (is(schema, "+m") && !seldom(16))
            wanted = "+s";
        else if (is(schema, "+r") && i == 0 && !seldom(16))
            wanted = byte() % 2 ? "i" : byte() % 2 ? "s" : "l";
        schema->children[i] = seldom(200) ? NULL : make_schema(depth + 1, wanted);
    }
    schema->n_children = seldom(128) ? hostile() : count;
}

static struct ArrowSchema *make_schema(unsigned depth, const char *wanted)
{
    struct ArrowSchema *schema = piece(sizeof *schema);
    const struct format *format = &FORMATS[byte() % (depth < DEEPEST ? FORMAT_COUNT : 18)];
    if (depth >= DEEPEST && format->children)
        format = &FORMATS[1];
    *schema = (struct ArrowSchema){
        .format = format->text, .name = "n", .flags = 2, .release = release_schema};
    if (wanted)
        schema->format = wanted;
    format = format_of(schema);
    if (seldom(32))
        schema->name = seldom(8) ? NULL : any_text();
    if (format->children)
        make_children(schema, format, depth);
    if (wanted && is(schema, "+s") && depth < DEEPEST && schema->n_children == 1 && byte() % 8) {
        struct ArrowSchema **two = piece(2 * sizeof *two);
        two[0] = schema->children[0];
        two[1] = make_schema(depth + 1, NULL);
        schema->children = two;
        schema->n_children = 2;
    }
    if (seldom(format->width && !format->children ? 4 : 64) && depth < DEEPEST)
        schema->dictionary = make_schema(depth + 1, NULL);
    if (seldom(128))
        schema->release = NULL;
    if (seldom(128))
        schema->format = seldom(4) ? NULL : any_text();
    return schema;
}

static void fill(uint8_t *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = byte();
}

/* Integers of `width` bytes, most of them small and most of them rising. */
static uint8_t *make_integers(int64_t count, int width, bool rising)
{
    uint8_t *to = piece((size_t)count * (size_t)width);
    int64_t value = rising ? byte() % 3 : 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t written;
        value = rising ? value + byte() % 3 : byte() % 6;
        written = seldom(100) ? hostile() : value;
        memcpy(to + i * width, &written, width < 8 ? (size_t)width : 8);
    }
    return to;
}

/* The bytes that offsets lead to: as many as the last one says, which is made a fair one. */
static uint8_t *make_bytes(uint8_t *offsets, int64_t last, int width)
{
    int64_t end = 0;
    if (width == 4) {
        int32_t small;
        memcpy(&small, offsets + last * 4, sizeof small);
        end = small;
    } else {
        memcpy(&end, offsets + last * 8, sizeof end);
    }
    if (end < 0 || end > 4096) {
        end = 64;
        memcpy(offsets + last * width, &end, (size_t)width);
    }
    uint8_t *bytes = piece((size_t)end);
    fill(bytes, (size_t)end < 16 ? (size_t)end : 16);
    return bytes;
}

/* Views, into data buffers whose sizes are told as they are. */
static void make_views(struct ArrowArray *array, const void **buffers, int64_t end)
{
    size_t count = byte() % 3;
    int64_t *sizes = piece(count * sizeof *sizes);
    int32_t *views = piece((size_t)end * 16);
    for (size_t i = 0; i < count; i++) {
        sizes[i] = 20 + byte() % 20;
        buffers[2 + i] = piece((size_t)sizes[i]);
        if (seldom(64))
            sizes[i] = -1;
    }
    for (int64_t i = 0; i < end; i++) {
        views[4 * i] = seldom(32) ? (int32_t)hostile() : byte() % 20;
        views[4 * i + 1] = byte();
        views[4 * i + 2] = count && !seldom(32) ? byte() % (int)count : (int32_t)hostile();
        views[4 * i + 3] = seldom(32) ? (int32_t)hostile() : byte() % 6;
    }
    buffers[1] = views;
    buffers[2 + count] = count && seldom(32) ? NULL : sizes;
    array->n_buffers = (int64_t)count + 3;
}

static void make_buffers(struct ArrowArray *array, const struct ArrowSchema *schema,
                         const struct format *format, int64_t end, bool nulls)
{
    const void **buffers = array->buffers = piece(8 * sizeof *buffers);
    bool is_union = is(schema, "+u");
    if (nulls && !is_union) {
        uint8_t *bits = piece((size_t)(end + 7) / 8);
        fill(bits, (size_t)(end + 7) / 8);
        buffers[0] = bits;
    }
    array->n_buffers = is(schema, "n") || is(schema, "+r") ? 0 : 2;
    if (is(schema, "+s") || is(schema, "+w") || is(schema, "+us"))
        array->n_buffers = 1;
    if (is_union) {
        buffers[0] = make_integers(end, 1, false);
        buffers[1] = make_integers(end, 4, byte() % 2);
        for (int64_t i = 0; i < end; i++)
            if (!seldom(32))
                ((int8_t *)buffers[0])[i] =
                    is(schema, "+us") ? (byte() % 2 ? 3 : 0) : (byte() % 2 ? 7 : 0);
    } else if (is(schema, "vu") || is(schema, "vz")) {
        make_views(array, buffers, end);
    } else if (is(schema, "+v")) {
        buffers[1] = make_integers(end, format->width, false);
        buffers[2] = make_integers(end, format->width, false);
        array->n_buffers = 3;
    } else if (is(schema, "u") || is(schema, "U")) {
        buffers[1] = make_integers(end + 1, format->width, true);
        buffers[2] = make_bytes((uint8_t *)buffers[1], end, format->width);
        array->n_buffers = 3;
    } else if (format->children || schema->dictionary) {
        buffers[1] = make_integers(end + 1, format->width ? format->width : 1, format->children);
    } else {
        size_t size = format->width ? (size_t)(end * format->width) : (size_t)(end + 7) / 8;
        buffers[1] = piece(size);
        fill((uint8_t *)buffers[1], size < 64 ? size : 64);
    }
    if (seldom(100))
        buffers[byte() % 3] = NULL;
    if (seldom(200) && !is(schema, "v"))
        array->n_buffers = seldom(4) ? hostile() : array->n_buffers + 1;
    else if (seldom(200))
        array->n_buffers = byte() % 3;
    if (seldom(200))
        array->buffers = NULL;
}

static struct ArrowArray *make_array(const struct ArrowSchema *schema, int64_t least,
                                     unsigned depth);

/* Run ends rise, most of the time as far as they must. */
static void make_run_ends(struct ArrowArray *ends, const struct ArrowSchema *schema, int64_t reach)
{
    const struct format *format = format_of(schema);
    int64_t count = 0;
    if (ends->length >= 1 && ends->length <= 64 && ends->offset >= 0 && ends->offset <= 8)
        count = ends->offset + ends->length;
    if (!format || !ends->buffers || count == 0 || format->width < 2 || format->width > 8)
        return;
    uint8_t *values = make_integers(count, format->width, true);
    for (int64_t i = 0; i < count; i++) {
        int64_t end = i + 1;
        memcpy(values + i * format->width, &end, (size_t)format->width);
    }
    if (!seldom(16))
        memcpy(values + (count - 1) * format->width, &reach, (size_t)format->width);
    ends->buffers[0] = NULL;
    ends->buffers[1] = values;
    ends->null_count = 0;
}

static void make_array_children(struct ArrowArray *array, const struct ArrowSchema *schema,
                                int64_t end, unsigned depth)
{
    int64_t count = schema->children && schema->n_children > 0 && schema->n_children < 5
                        ? schema->n_children
                        : 0;
    int64_t needed = is(schema, "+s") || is(schema, "+us") ? end
                     : is(schema, "+w:3")                  ? end * 3
                                                           : byte() % 12;
    array->children = piece((size_t)count * sizeof *array->children);
    array->n_children = count;
    for (int64_t i = 0; i < count; i++)
        if (schema->children[i] && !seldom(200))
            array->children[i] = make_array(schema->children[i],
                                            is(schema, "+r") ? 1 + byte() % 3 : needed, depth + 1);
    if (is(schema, "+r") && count == 2 && array->children[0] && schema->children[0])
        make_run_ends(array->children[0], schema->children[0], end);
    if (seldom(200))
        array->n_children = hostile();
}

/* At least so long, most of the time. */
static struct ArrowArray *make_array(const struct ArrowSchema *schema, int64_t least,
                                     unsigned depth)
{
    struct ArrowArray *array = piece(sizeof *array);
    const struct format *format = format_of(schema);
    int64_t end;
    array->release = seldom(200) ? NULL : release_array;
    if (!format || depth > DEEPEST + 1)
        return array;
    /* Only what has no buffers may be of any length. */
    bool nothing = is(schema, "n") || is(schema, "+r") || is(schema, "+s") || is(schema, "+w");
    array->length = (seldom(16) ? byte() % 8 : least + byte() % 3);
    array->offset = byte() % 3;
    if (array->length > 200)
        array->length = 200;
    end = array->offset + array->length;
    bool nulls = byte() % 2;
    make_buffers(array, schema, format, end, nulls);
    array->null_count = nulls ? -1 : seldom(64) ? 1 : 0;
    if (seldom(200))
        array->null_count = hostile();
    if (nothing && seldom(16)) {
        int64_t big = hostile();
        array->length = big;
        if (array->buffers)
            array->buffers[0] = NULL;
        array->null_count = 0;
        end = big < 0 || __builtin_add_overflow(big, array->offset, &end) ? 5 : end;
    } else if (seldom(200)) {
        int64_t wrong = hostile();
        if (wrong < 0 || wrong >= INT64_MAX - 1)
            *(seldom(2) ? &array->length : &array->offset) = wrong < 0 ? wrong : INT64_MAX;
    }
    if (end > 1000 && !is(schema, "+r"))
        end = 5;
    make_array_children(array, schema, end, depth);
    if (schema->dictionary)
        array->dictionary = seldom(64) ? NULL : make_array(schema->dictionary, 6, depth + 1);
    return array;
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
