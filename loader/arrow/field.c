/* See field.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/field.h"

#include "loader/arrow/array.h"
#include "loader/base/error.h"

#include <errno.h>
#include <stdlib.h>

/* Behind what is there, as long as there is room. */
static void append(struct fl_path *path, size_t *at, size_t most, const char *from)
{
    for (; *from && *at < most; from++) {
        unsigned char byte = (unsigned char)*from;
        path->text[(*at)++] = (char)(byte < 0x20 || byte == 0x7f || byte == '"' ? '?' : byte);
    }
    path->text[*at] = '\0';
}

struct fl_path fl_format_text(const char *format)
{
    struct fl_path text;
    size_t at = 0;
    append(&text, &at, 40, format);
    return text;
}

struct fl_path fl_field_path(const struct fl_field *field)
{
    struct fl_path path;
    enum { MOST = FL_DEPTH_LIMIT + 2 };
    const struct fl_field *chain[MOST];
    size_t depth = 0, at = 0;
    for (; field && field->parent && depth < MOST; field = field->parent)
        chain[depth++] = field;
    path.text[0] = '\0';
    while (depth > 0) {
        append(&path, &at, sizeof path.text - 1, chain[--depth]->name);
        if (depth > 0)
            append(&path, &at, sizeof path.text - 1, ".");
    }
    return path;
}

/* Children that a class must have; -1: any number. */
static int64_t expected_children(const struct fl_field *field)
{
    switch (field->class) {
    case FL_CLASS_LIST:
    case FL_CLASS_LIST_VIEW:
    case FL_CLASS_FIXED_LIST:
        return 1;
    case FL_CLASS_RUN_END:
        return 2;
    case FL_CLASS_STRUCT:
    case FL_CLASS_SPARSE_UNION:
    case FL_CLASS_DENSE_UNION:
        return -1;
    default:
        return 0;
    }
}

static int read_field(struct fl_field *field, const struct ArrowSchema *schema, size_t *count,
                      struct forkloader_error *error);

static int read_children(struct fl_field *field, size_t *count, struct forkloader_error *error)
{
    const struct ArrowSchema *schema = field->schema;
    int64_t expected = expected_children(field), children = schema->n_children;
    if (children < 0 || (expected >= 0 && children != expected))
        return fl_fail(error, EINVAL, "column \"%s\": format %s with %lld children",
                       fl_field_path(field).text, fl_format_text(schema->format).text,
                       (long long)children);
    if (children == 0)
        return 0;
    if (!schema->children)
        return fl_fail(error, EINVAL, "column \"%s\": the schema's children are NULL",
                       fl_field_path(field).text);
    if (children > FL_FIELD_LIMIT)
        return fl_fail(error, EINVAL, "the schema has more than %d fields", FL_FIELD_LIMIT);
    field->children = calloc((size_t)children, sizeof *field->children);
    if (!field->children)
        return fl_fail(error, ENOMEM, "no memory for a schema of %lld fields", (long long)children);
    for (; field->child_count < (size_t)children; field->child_count++) {
        struct fl_field *child = &field->children[field->child_count];
        child->parent = field;
        child->depth = field->depth + 1;
        int code = read_field(child, schema->children[field->child_count], count, error);
        if (code != 0) {
            field->child_count++;
            return code;
        }
    }
    return 0;
}

static int read_dictionary(struct fl_field *field, size_t *count, struct forkloader_error *error)
{
    if (!field->is_integer)
        return fl_fail(error, EINVAL, "column \"%s\": a dictionary's indices have format %s",
                       fl_field_path(field).text, fl_format_text(field->schema->format).text);
    field->class = FL_CLASS_DICTIONARY;
    field->dictionary = calloc(1, sizeof *field->dictionary);
    if (!field->dictionary)
        return fl_fail(error, ENOMEM, "no memory for a schema");
    field->dictionary->parent = field;
    field->dictionary->depth = field->depth + 1;
    int code = read_field(field->dictionary, field->schema->dictionary, count, error);
    field->dictionary->name = "dictionary";
    return code;
}

/* What the children's types must be. */
static int check_children(const struct fl_field *field, struct forkloader_error *error)
{
    const struct fl_field *first = field->children;
    if (!first)
        return 0;
    if (field->is_map && (first->class != FL_CLASS_STRUCT || first->child_count != 2))
        return fl_fail(error, EINVAL, "column \"%s\": a map's entries must be structs of two",
                       fl_field_path(field).text);
    if (field->class == FL_CLASS_RUN_END &&
        (first->class != FL_CLASS_FIXED || !first->is_signed || first->width == 1))
        return fl_fail(error, EINVAL, "column \"%s\": run ends of format %s",
                       fl_field_path(field).text, fl_format_text(first->schema->format).text);
    return 0;
}

static int read_field(struct fl_field *field, const struct ArrowSchema *schema, size_t *count,
                      struct forkloader_error *error)
{
    field->name = schema && schema->name ? schema->name : "";
    field->schema = schema;
    if (!schema || !schema->release)
        return fl_fail(error, EINVAL, "column \"%s\": a field's schema is %s",
                       fl_field_path(field).text, schema ? "released" : "NULL");
    if (!schema->format)
        return fl_fail(error, EINVAL, "column \"%s\": the format is NULL",
                       fl_field_path(field).text);
    if (field->depth > FL_DEPTH_LIMIT)
        return fl_fail(error, EINVAL, "column \"%s\": nested deeper than %d",
                       fl_field_path(field).text, FL_DEPTH_LIMIT);
    if (++*count > FL_FIELD_LIMIT)
        return fl_fail(error, EINVAL, "the schema has more than %d fields", FL_FIELD_LIMIT);
    if (!fl_field_read_format(field, schema->format))
        return fl_fail(error, EINVAL, "column \"%s\": no type has the format %s",
                       fl_field_path(field).text, fl_format_text(schema->format).text);
    int code = read_children(field, count, error);
    if (code == 0 && schema->dictionary)
        code = read_dictionary(field, count, error);
    return code != 0 ? code : check_children(field, error);
}

int fl_field_new(struct fl_field **field, const struct ArrowSchema *schema,
                 struct forkloader_error *error)
{
    size_t count = 0;
    *field = calloc(1, sizeof **field);
    if (!*field)
        return fl_fail(error, ENOMEM, "no memory for a schema");
    int code = read_field(*field, schema, &count, error);
    if (code != 0) {
        fl_field_free(*field);
        *field = NULL;
    }
    return code;
}

/* What a field holds, and all below it. */
static void drop(struct fl_field *field)
{
    for (size_t i = 0; i < field->child_count; i++)
        drop(&field->children[i]);
    if (field->dictionary)
        drop(field->dictionary);
    for (size_t i = 0; i < field->map_count; i++)
        free(field->maps[i]);
    if (field->values)
        fl_shared_drop(field->values);
    free((void *)field->maps);
    free(field->children);
    free(field->dictionary);
    free(field->child_of);
    free(field->chunks);
}

void fl_field_free(struct fl_field *field)
{
    if (!field)
        return;
    drop(field);
    free(field);
}
