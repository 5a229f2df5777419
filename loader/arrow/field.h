/*
 * A schema, read: a tree of fields that says of each field how its arrays lie in memory; and, for
 * each batch, where its buffers are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_FIELD_H
#define FL_FIELD_H

#include "forkloader.h"

#include <string.h>

enum { FL_DEPTH_LIMIT = 64, FL_FIELD_LIMIT = 1 << 20 };

/* By how values are taken. A map is a list; lists and their views of 64 bits have a wider offset.
 */
enum fl_class {
    FL_CLASS_NULL,
    FL_CLASS_BOOLEAN,
    FL_CLASS_FIXED,
    FL_CLASS_BINARY,
    FL_CLASS_VIEW,
    FL_CLASS_LIST,
    FL_CLASS_LIST_VIEW,
    FL_CLASS_FIXED_LIST,
    FL_CLASS_STRUCT,
    FL_CLASS_SPARSE_UNION,
    FL_CLASS_DENSE_UNION,
    FL_CLASS_RUN_END,
    FL_CLASS_DICTIONARY,
    FL_CLASS_COUNT
};

/*
 * One batch's array of a field. What lies at `base` is the element that the field's parent calls 0:
 * the offsets of the array and, of structs, of all above it are within. `data` and `more` are
 * buffers 1 and 2 (of unions 0 and 1), moved on to `base` where an element is whole bytes.
 */
struct fl_chunk {
    const struct ArrowArray *array;
    const uint8_t *validity; /* NULL: nothing is null */
    const uint8_t *data;
    const uint8_t *more;
    int64_t base;
    const int64_t *map; /* a dictionary's: from its indices to the common one's; NULL: the same */
};

/* The values of a dictionary column: those of all batches, made once. See array.h. */
struct fl_shared;

struct fl_field {
    enum fl_class class;
    bool is_map;
    bool is_signed;  /* FL_CLASS_DICTIONARY: of the indices */
    bool is_integer; /* FL_CLASS_FIXED: may be an index or a run end */
    bool has_nulls;  /* in some batch */
    unsigned depth;
    int64_t width; /* bytes of a value, an index, an offset or a run end; length of a fixed list */
    const char *name;
    const struct ArrowSchema *schema;
    const struct fl_field *parent;
    struct fl_field *children;
    size_t child_count;
    struct fl_field *dictionary;
    int8_t *child_of; /* unions: by type id, -1: none */
    struct fl_chunk *chunks;
    size_t chunk_count;
    struct fl_shared *values; /* FL_CLASS_DICTIONARY */
    int64_t value_count;
    int64_t **maps; /* what the chunks' maps point to */
    size_t map_count;
};

/* Reads a schema, which must outlive the field. */
int fl_field_new(struct fl_field **field, const struct ArrowSchema *schema,
                 struct forkloader_error *error);
void fl_field_free(struct fl_field *field);

/* The class and what belongs to it; the field's schema is set. False: no such type, or a union that
   has not the children it names. */
bool fl_field_read_format(struct fl_field *field, const char *format);

/* Lays out checked batches: 0, or ENOMEM. */
int fl_field_lay_out(struct fl_field *root, const struct ArrowArray *batches, size_t count);

struct fl_path {
    char text[192];
};

/* "a.b", for a message: without control characters or quotes; cut where it is too long. */
struct fl_path fl_field_path(const struct fl_field *field);

/* A format, for a message: likewise. */
struct fl_path fl_format_text(const char *format);

/* Buffers of other producers need not be aligned. */
static inline int32_t fl_int32(const void *buffer, int64_t at)
{
    int32_t value;
    memcpy(&value, (const uint8_t *)buffer + at * 4, sizeof value);
    return value;
}

static inline int64_t fl_int64(const void *buffer, int64_t at)
{
    int64_t value;
    memcpy(&value, (const uint8_t *)buffer + at * 8, sizeof value);
    return value;
}

/* An offset, a size or a run end of 2, 4 or 8 bytes. */
static inline int64_t fl_offset(const void *buffer, int64_t width, int64_t at)
{
    int16_t small;
    if (width == 4)
        return fl_int32(buffer, at);
    if (width == 8)
        return fl_int64(buffer, at);
    memcpy(&small, (const uint8_t *)buffer + at * 2, sizeof small);
    return small;
}

static inline bool fl_bit(const uint8_t *bits, int64_t at)
{
    return bits[at >> 3] >> (at & 7) & 1;
}

/* An index of a dictionary; one of uint64 beyond INT64_MAX is negative. */
static inline int64_t fl_index(const struct fl_field *field, const uint8_t *data, int64_t at)
{
    uint64_t value = 0;
    unsigned unused = 64 - 8 * (unsigned)field->width;
    memcpy(&value, data + at * field->width, (size_t)field->width);
    return field->is_signed ? (int64_t)(value << unused) >> unused : (int64_t)value;
}

/* The 16 bytes of a view, and where its value is. */
struct fl_view {
    int32_t length;
    uint8_t inlined[4]; /* the value's first bytes */
    int32_t buffer;     /* with `offset`: 8 more bytes of a value of up to 12 */
    int32_t offset;
};

enum { FL_VIEW_INLINED = 12 };

static inline struct fl_view fl_view_at(const uint8_t *views, int64_t at)
{
    struct fl_view view;
    memcpy(&view, views + at * (int64_t)sizeof view, sizeof view);
    return view;
}

#endif
