/* See column.h and tree.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/column.h"
#include "loader/sql/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 900 }; /* SQLite's table has two columns for each */

static unsigned types_of(const struct fl_type *type)
{
    type = fl_type_plain(type);
    switch (type->meaning) {
    case FL_NULL:
        return 0;
    case FL_BOOL:
        return FL_SQL_BOOL;
    case FL_INT:
        return type->form == FL_FORM_UINT && type->width == 8 ? FL_SQL_INT | FL_SQL_BIG
                                                              : FL_SQL_INT;
    case FL_FLOAT:
        return FL_SQL_REAL | FL_SQL_NAN;
    case FL_DECIMAL:
        return type->scale > 0 ? FL_SQL_REAL : FL_SQL_NUMBER;
    case FL_TEXT:
        return FL_SQL_TEXT;
    case FL_BYTES:
        return FL_SQL_BYTES;
    case FL_DATE:
        return FL_SQL_DATE;
    case FL_STAMP:
        return FL_SQL_STAMP;
    case FL_TIME:
        return FL_SQL_TIME;
    case FL_DURATION:
        return FL_SQL_INT;
    default:
        return FL_SQL_OTHER;
    }
}

/* The field of this name: its number, -1: none, -2: several. */
static int find_field(const struct fl_type *type, const char *name)
{
    int found = -1;
    if (type->form != FL_FORM_STRUCT)
        return -1;
    for (size_t i = 0; i < type->count; i++) {
        const char *has = type->children[i].schema->name;
        if (has && !strcmp(has, name)) {
            if (found >= 0)
                return -2;
            found = (int)i;
        }
    }
    return found;
}

/* Through one field or more. */
static const struct fl_type *follow(const struct fl_type *type, char *const *pieces, size_t count,
                                    int *path)
{
    size_t i = 0;
    do {
        path[i] = find_field(type, pieces[i]);
        if (path[i] < 0)
            return NULL;
        type = &type->children[path[i]];
    } while (++i < count);
    return type;
}

static char *join(char *const *pieces, size_t count)
{
    size_t room = 1;
    char *name, *at;
    for (size_t i = 0; i < count; i++)
        room += strlen(pieces[i]) + 1;
    at = name = malloc(room);
    for (size_t i = 0; name && i < count; i++) {
        size_t length = strlen(pieces[i]);
        memcpy(at, pieces[i], length);
        at[length] = i + 1 < count ? '.' : '\0';
        at += length + 1;
    }
    return name;
}

static size_t put_field(char *text, size_t room, size_t used, const char *name)
{
    int more;
    if (used >= room)
        return used;
    more = snprintf(text + used, room - used, "%s%s", used ? ", " : "", name);
    return used + (size_t)(more > 0 ? more : 0);
}

void fl_sql_list_fields(const struct fl_sql *sql, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sql->type.count; i++) {
        const struct fl_type *type = &sql->type.children[i];
        const char *name = type->schema->name ? type->schema->name : "";
        used = put_field(text, room, used, name);
        for (size_t j = 0; type->form == FL_FORM_STRUCT && j < type->count; j++) {
            char field[200];
            snprintf(field, sizeof field, "%.99s.%.99s", name,
                     type->children[j].schema->name ? type->children[j].schema->name : "");
            used = put_field(text, room, used, field);
        }
    }
    if (used >= room && room > 4)
        memcpy(text + room - 4, "...", 4);
}

static bool no_column(struct fl_sql *sql, size_t at, const char *name, const char *top)
{
    char fields[300];
    if (find_field(&sql->type, top) == -2)
        return fl_sql_fail(sql, at, "more than one column is named `%.60s`", top);
    fl_sql_list_fields(sql, fields, sizeof fields);
    return fl_sql_fail(sql, at, "no field named `%.60s`; valid fields are %s", name, fields);
}

static int64_t nearest(__int128 count)
{
    return count < INT64_MIN ? INT64_MIN : count > INT64_MAX ? INT64_MAX : (int64_t)count;
}

static void set_span(struct fl_sql_column *column)
{
    struct fl_cell_span span = fl_cell_span(fl_type_plain(column->type));
    column->least = nearest(span.first);
    column->most = nearest(span.last);
}

static bool add_column(struct fl_sql *sql, struct fl_node *node, const struct fl_type *type,
                       const int *path, size_t depth)
{
    struct fl_sql_column *columns, *column;
    if (sql->column_count == MOST)
        return fl_sql_fail(sql, node->at, "more than %d columns", MOST);
    columns = fl_sql_grow(sql, sql->columns, sql->column_count, &sql->column_room, sizeof *columns);
    if (!columns)
        return false;
    sql->columns = columns;
    column = &columns[sql->column_count];
    *column = (struct fl_sql_column){.type = type, .depth = depth, .types = types_of(type)};
    if (column->types & FL_SQL_WHEN)
        set_span(column);
    column->path = malloc(depth * sizeof *path);
    column->arrays = calloc(depth + 1, sizeof(void *));
    column->rows = calloc(depth + 1, sizeof *column->rows);
    if (!column->path || !column->arrays || !column->rows) {
        fl_sql_column_free(column);
        return fl_sql_no_memory(sql);
    }
    memcpy(column->path, path, depth * sizeof *path);
    sql->column_count++;
    return true;
}

static bool use_column(struct fl_sql *sql, struct fl_node *node, const struct fl_type *type,
                       const int *path, size_t depth)
{
    size_t i = 0;
    while (i < sql->column_count && sql->columns[i].type != type)
        i++;
    if (i == sql->column_count && !add_column(sql, node, type, path, depth))
        return false;
    node->integer = (int64_t)i;
    node->types = sql->columns[i].types;
    return true;
}

/* A name in one piece may still be a path: "st.a". */
static const struct fl_type *follow_dots(const struct fl_sql *sql, char *name, int *path,
                                         size_t most, size_t *depth)
{
    const struct fl_type *type = &sql->type;
    while (*depth < most) {
        char *dot = strchr(name, '.');
        if (dot)
            *dot = '\0';
        type = follow(type, &name, 1, path + (*depth)++);
        if (dot)
            *dot = '.';
        if (!dot || !type)
            return type;
        name = dot + 1;
    }
    return NULL;
}

bool fl_sql_find_column(struct fl_sql *sql, struct fl_node *node, char *const *pieces, size_t count)
{
    enum { DEEPEST = 64 };
    int path[DEEPEST];
    size_t depth = count;
    char *name = join(pieces, count);
    const struct fl_type *type;
    bool found;
    if (!name)
        return fl_sql_no_memory(sql);
    type = follow(&sql->type, pieces, count, path);
    if (!type && count > 1) { /* a column whose own name has a dot */
        depth = 1;
        type = follow(&sql->type, &name, 1, path);
    }
    if (!type && count == 1) {
        depth = 0;
        type = follow_dots(sql, name, path, DEEPEST, &depth);
    }
    found =
        type ? use_column(sql, node, type, path, depth) : no_column(sql, node->at, name, pieces[0]);
    free(name);
    return found;
}

/* Is the value itself what SQLite gets? A date in milliseconds is divided first. */
static bool is_counted(const struct fl_type *type)
{
    return type->meaning == FL_INT || type->meaning == FL_STAMP || type->meaning == FL_TIME ||
           (type->meaning == FL_DATE && !type->per_second);
}

/* Numbers in the very width that SQLite takes, or half of it: a shorter way for the most frequent
   columns. */
static void bind_plain(struct fl_sql_column *column)
{
    const struct fl_type *type = column->type;
    const struct ArrowArray *leaf = column->arrays[column->depth];
    bool number = type->form == FL_FORM_INT && is_counted(type);
    column->plain = NULL;
    if (column->structs_null || (!number && type->form != FL_FORM_FLOAT) || type->width < 4)
        return;
    column->bit = leaf->offset + column->rows[column->depth];
    column->validity = leaf->buffers[0];
    column->plain = (const uint8_t *)leaf->buffers[1] + column->bit * type->width;
}

void fl_sql_column_bind(struct fl_sql_column *column, const struct ArrowArray *batch)
{
    int64_t row = 0;
    column->structs_null = false;
    for (size_t i = 0;; i++) {
        column->arrays[i] = batch;
        column->rows[i] = row;
        if (i == column->depth)
            break;
        column->structs_null |= batch->n_buffers && batch->buffers[0];
        row += batch->offset;
        batch = batch->children[column->path[i]];
    }
    bind_plain(column);
}

void fl_sql_column_read(const struct fl_sql_column *column, int64_t row, struct fl_cell *cell)
{
    cell->kind = FL_CELL_NULL;
    cell->type = column->type;
    for (size_t i = 0; column->structs_null && i < column->depth; i++) {
        const struct ArrowArray *array = column->arrays[i];
        int64_t index = array->offset + column->rows[i] + row;
        const uint8_t *validity = array->buffers[0];
        if (validity && !(validity[index / 8] >> (index % 8) & 1))
            return;
    }
    fl_cell_read(cell, column->type, column->arrays[column->depth],
                 column->rows[column->depth] + row);
}

void fl_sql_column_free(struct fl_sql_column *column)
{
    free(column->path);
    free(column->arrays);
    free(column->rows);
}
