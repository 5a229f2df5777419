/*
 * Arrow schemas and arrays of any type, most of them wrong somewhere. Buffers end where the format
 * says they must, so that a sanitizer sees each byte too far. For one file of a program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_ARROW_ARRAYS_H
#define FP_TESTS_ARROW_ARRAYS_H

#include "tests/fuzz/arrow_world.h"

#include <stdio.h>
#include <string.h>

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

static inline const struct format *format_of(const struct ArrowSchema *schema)
{
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        if (schema->format && strcmp(schema->format, FORMATS[i].text) == 0)
            return &FORMATS[i];
    return NULL;
}

static inline bool is(const struct ArrowSchema *schema, const char *beginning)
{
    return schema->format && strncmp(schema->format, beginning, strlen(beginning)) == 0;
}

static inline char *any_text(void)
{
    size_t length = byte() % 16;
    char *text = piece(length + 1);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)byte();
    text[length] = '\0';
    return text;
}

static struct ArrowSchema *make_schema(unsigned depth, const char *format);

static inline void make_children(struct ArrowSchema *schema, const struct format *format,
                                 unsigned depth)
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

static inline struct ArrowSchema *make_schema(unsigned depth, const char *wanted)
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

static inline void fill(uint8_t *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = byte();
}

/* Integers of `width` bytes, most of them small and most of them rising. */
static inline uint8_t *make_integers(int64_t count, int width, bool rising)
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
static inline uint8_t *make_bytes(uint8_t *offsets, int64_t last, int width)
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
static inline void make_views(struct ArrowArray *array, const void **buffers, int64_t end)
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

static inline void make_buffers(struct ArrowArray *array, const struct ArrowSchema *schema,
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
static inline void make_run_ends(struct ArrowArray *ends, const struct ArrowSchema *schema,
                                 int64_t reach)
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

static inline void make_array_children(struct ArrowArray *array, const struct ArrowSchema *schema,
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
static inline struct ArrowArray *make_array(const struct ArrowSchema *schema, int64_t least,
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

#endif
