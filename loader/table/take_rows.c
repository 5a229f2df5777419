/* Rows of a table. See forkloader.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/table/table.h"
#include "loader/table/take.h"
#include "loader/table/take_buffer.h"

#include <errno.h>

static int check_columns(const struct fl_field *root, const int *columns, size_t count,
                         struct forkloader_error *error)
{
    for (size_t i = 0; columns && i < count; i++)
        if (columns[i] < 0 || (size_t)columns[i] >= root->child_count)
            return fl_fail(error, EINVAL, "column %d is out of range: the table has %zu",
                           columns[i], root->child_count);
    return 0;
}

static int check_rows(const struct forkloader_table *table, const uint64_t *rows, size_t count,
                      struct forkloader_error *error)
{
    uint64_t end = table->starts[table->batch_count];
    unsigned outside = 0;
    for (size_t i = 0; i < count; i++)
        outside |= rows[i] >= end;
    if (!outside)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i] >= end)
            return fl_fail(error, EINVAL, "row %llu (at %zu) is out of range: the table has %llu",
                           (unsigned long long)rows[i], i, (unsigned long long)end);
    return EINVAL;
}

/* The columns by the picks, into a struct array. */
static int take_columns(const struct fl_field *root, const struct fl_picks *picks,
                        const int *columns, size_t count, struct ArrowArray *array,
                        struct forkloader_error *error)
{
    struct fl_field alone = *root; /* the struct itself, as if it had no fields */
    int code = 0;
    alone.child_count = 0;
    if (!columns)
        return fl_take(root, picks, array, error);
    code = fl_take(&alone, picks, array, error);
    if (code != 0 || count == 0)
        return code;
    struct ArrowArray fields;
    code = fl_array_make(&fields, array->length, 1, count, false);
    if (code != 0) {
        array->release(array);
        return fl_fail(error, code, "no memory for %zu columns", count);
    }
    fields.null_count = array->null_count;
    fl_array_move_buffer(&fields, array, 0);
    array->release(array);
    *array = fields;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = fl_take(&root->children[columns[i]], picks, array->children[i], error);
    if (code != 0)
        array->release(array);
    return code;
}

static int take(const struct forkloader_table *table, const uint64_t *rows, size_t count,
                const int *columns, size_t column_count, struct ArrowArray *array,
                struct forkloader_error *error)
{
    struct fl_picks_buffer room = {0};
    /* In one batch a row's number is its index. */
    struct fl_picks picks = {
        .index = (const int64_t *)rows, .each = 1, .runs = count, .total = (int64_t)count};
    if (table->batch_count > 1) {
        if (fl_picks_buffer_new(&room, count, FL_WITH_CHUNKS, table->root, error) != 0)
            return ENOMEM;
        fl_table_find(table, rows, count, room.index, room.chunk);
        picks.index = room.index;
        picks.chunk = room.chunk;
    }
    int code = take_columns(table->root, &picks, columns, column_count, array, error);
    fl_picks_buffer_free(&room);
    return code;
}

FL_PUBLIC int forkloader_table_take(const struct forkloader_table *table, const uint64_t *rows,
                                    size_t count, const int *columns, size_t column_count,
                                    struct ArrowArray *array, struct ArrowSchema *schema,
                                    struct forkloader_error *error)
{
    array->release = NULL;
    if (schema)
        schema->release = NULL;
    int code = check_columns(table->root, columns, column_count, error);
    if (code == 0)
        code = check_rows(table, rows, count, error);
    if (code == 0)
        code = take(table, rows, count, columns, column_count, array, error);
    if (code != 0 || !schema ||
        (code = fl_schema_copy(schema, &table->schema, columns, column_count)) == 0)
        return code;
    array->release(array);
    return fl_fail(error, ENOMEM, "no memory for a schema");
}
