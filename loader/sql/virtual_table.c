/* See virtual_table.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/virtual_table.h"
#include "loader/sql/column.h"
#include "loader/sql/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    sqlite3_vtab base;
    const struct fl_sqlite *api;
    struct fl_sql *sql;
};

struct cursor {
    sqlite3_vtab_cursor base;
    const struct fl_sqlite *api;
    struct fl_sql *sql;
    size_t batch;
    int64_t row; /* in the batch */
    int64_t rows;
    uint64_t start;
};

struct module {
    const struct fl_sqlite *api;
    struct fl_sql *sql;
};

/* "CREATE TABLE t(c0, n0, c1, n1 ...)": without types, so that SQLite converts nothing. */
static char *declaration(size_t columns)
{
    size_t room = 64 + columns * 48;
    char *text = malloc(room), *at = text;
    if (!text)
        return NULL;
    at += snprintf(at, room, "CREATE TABLE t(");
    for (size_t i = 0; i < columns; i++)
        at += snprintf(at, 48, "c%zu, n%zu, ", i, i);
    snprintf(at, 16, "none)");
    return text;
}

static int table_connect(sqlite3 *db, void *context, int count, const char *const *arguments,
                         sqlite3_vtab **out, char **message)
{
    const struct module *module = context;
    struct table *table = calloc(1, sizeof *table);
    char *text = declaration(module->sql->column_count);
    int code;
    module->sql->is_declaring = true;
    code = text && table ? module->api->declare_vtab(db, text) : SQLITE_NOMEM;
    module->sql->is_declaring = false;
    (void)count;
    (void)arguments;
    (void)message;
    free(text);
    if (code != SQLITE_OK) {
        free(table);
        return code;
    }
    table->api = module->api;
    table->sql = module->sql;
    *out = &table->base;
    return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *base)
{
    free(base);
    return SQLITE_OK;
}

static int table_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    const struct table *table = (const struct table *)base;
    double rows = (double)forkloader_table_rows(table->sql->table);
    info->estimatedCost = rows + 1;
    info->estimatedRows = (sqlite3_int64)rows;
    return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    const struct table *table = (const struct table *)base;
    struct cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return SQLITE_NOMEM;
    cursor->api = table->api;
    cursor->sql = table->sql;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
    free(base);
    return SQLITE_OK;
}

/* Goes to the first batch from this one on that has rows. */
static void enter(struct cursor *cursor)
{
    const struct forkloader_table *table = cursor->sql->table;
    while (cursor->batch < table->batch_count && !table->batches[cursor->batch].length)
        cursor->batch++;
    cursor->row = 0;
    if (cursor->batch == table->batch_count)
        return;
    cursor->rows = table->batches[cursor->batch].length;
    cursor->start = table->starts[cursor->batch];
    for (size_t i = 0; i < cursor->sql->column_count; i++)
        fl_sql_column_bind(&cursor->sql->columns[i], &table->batches[cursor->batch]);
}

static int cursor_filter(sqlite3_vtab_cursor *base, int number, const char *text, int count,
                         sqlite3_value **values)
{
    struct cursor *cursor = (struct cursor *)base;
    (void)number;
    (void)text;
    (void)count;
    (void)values;
    cursor->batch = 0;
    enter(cursor);
    return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
    struct cursor *cursor = (struct cursor *)base;
    if (++cursor->row == cursor->rows) {
        cursor->batch++;
        enter(cursor);
    }
    return SQLITE_OK;
}

static int cursor_eof(sqlite3_vtab_cursor *base)
{
    const struct cursor *cursor = (const struct cursor *)base;
    return cursor->batch == cursor->sql->table->batch_count;
}

static void result_plain(const struct fl_sqlite *api, sqlite3_context *context,
                         const struct fl_sql_column *column, int64_t row, bool nan_is_null)
{
    const uint8_t *at = column->plain + row * column->type->width;
    int64_t bit = column->bit + row, wide;
    int32_t narrow;
    float single;
    double real;
    if (column->validity && !(column->validity[bit / 8] >> (bit % 8) & 1))
        return; /* NULL, as no result is set */
    if (column->type->form == FL_FORM_INT) {
        if (column->type->width == 8)
            memcpy(&wide, at, sizeof wide);
        else
            wide = (memcpy(&narrow, at, sizeof narrow), narrow);
        if (column->types & FL_SQL_WHEN)
            wide = fl_sql_column_count(column, wide);
        api->result_int64(context, wide);
        return;
    }
    if (column->type->width == 8)
        memcpy(&real, at, sizeof real);
    else
        real = (memcpy(&single, at, sizeof single), (double)single);
    if (isnan(real) && !nan_is_null)
        fl_result_number(api, context, &(struct fl_number){.kind = FL_NUMBER_REAL, .real = real});
    else
        api->result_double(context, real); /* which makes NULL of NaN */
}

static bool is_date(const struct fl_cell *cell)
{
    return cell->type->meaning == FL_DATE;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int number)
{
    const struct cursor *cursor = (const struct cursor *)base;
    const struct fl_sqlite *api = cursor->api;
    const struct fl_sql_column *column;
    struct fl_cell cell;
    if ((size_t)number / 2 >= cursor->sql->column_count)
        return SQLITE_OK;
    column = &cursor->sql->columns[number / 2];
    bool is_when = column->types & FL_SQL_WHEN;
    if (column->plain && (number % 2 || !is_when)) {
        result_plain(api, context, column, cursor->row, number % 2);
        return SQLITE_OK;
    }
    fl_sql_column_read(column, cursor->row, &cell);
    if (number % 2 && cell.kind == FL_CELL_DOUBLE) /* which makes NULL of NaN */
        api->result_double(context, cell.real);
    else if (number % 2 && is_when && cell.kind == FL_CELL_INT)
        api->result_int64(context, fl_sql_column_count(column, is_date(&cell) ? fl_cell_days(&cell)
                                                                              : cell.integer));
    else
        fl_result_cell(api, context, &cell);
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *row)
{
    const struct cursor *cursor = (const struct cursor *)base;
    *row = (sqlite3_int64)cursor->start + cursor->row;
    return SQLITE_OK;
}

int fl_sql_table_register(const struct fl_sqlite *api, sqlite3 *db, struct fl_sql *sql)
{
    /* No xCreate: the module is its own only table. */
    static const sqlite3_module MODULE = {
        .xConnect = table_connect,
        .xBestIndex = table_best_index,
        .xDisconnect = table_disconnect,
        .xOpen = cursor_open,
        .xClose = cursor_close,
        .xFilter = cursor_filter,
        .xNext = cursor_next,
        .xEof = cursor_eof,
        .xColumn = cursor_column,
        .xRowid = cursor_rowid,
    };
    struct module *module = malloc(sizeof *module);
    if (!module)
        return SQLITE_NOMEM;
    *module = (struct module){api, sql};
    return api->create_module_v2(db, "t", &MODULE, module, free); /* freed after an error too */
}
