/* See run.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/run.h"
#include "loader/base/error.h"
#include "loader/sql/column.h"
#include "loader/sql/value.h"
#include "loader/sql/virtual_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MOST = 16 * 1024 * 1024,   /* of an expression */
    VALUE_MOST = 256 * 1024 * 1024, /* of one value that an expression makes */
    TICK = 100000,                  /* steps of SQLite's machine between two looks at their count */
    STEPS_PER_BYTE = 64, /* for every byte of SQL and every row: far more than any takes */
};

/* The bytes of the UTF-8 character at `at`; 0: it is none. */
static size_t character(const unsigned char *at)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80   ? 1
                    : *at < 0xC0 ? 0
                    : *at < 0xE0 ? 2
                    : *at < 0xF0 ? 3
                    : *at < 0xF8 ? 4
                                 : 0;
    unsigned code = length == 1 ? *at : *at & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3F);
    }
    if (!length || code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return 0;
    return length;
}

/* What would break the line or the terminal: C0, DEL, C1, and Unicode's line and paragraph ends. */
static bool breaks(const unsigned char *at, size_t length)
{
    return *at < 32 || *at == 127 || (length == 2 && *at == 0xC2 && at[1] < 0xA0) ||
           (length == 3 && *at == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9));
}

/* One line of UTF-8, whatever was quoted in it or cut off. */
static void clean(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at;) {
        size_t length = character(at);
        if (!length)
            *at++ = '?';
        else if (breaks(at, length))
            for (; length; length--)
                *at++ = ' ';
        else
            at += length;
    }
}

bool fl_sql_fail(struct fl_sql *sql, size_t at, const char *format, ...)
{
    char what[sizeof sql->error->message];
    size_t place = 1;
    va_list arguments;
    if (sql->code)
        return false;
    sql->code = EINVAL;
    va_start(arguments, format);
    vsnprintf(what, sizeof what - 40, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < at; i++)
        place += (sql->text[i] & 0xC0) != 0x80;
    fl_fail(sql->error, EINVAL, "SQL at character %zu: %s", place, what);
    if (sql->error)
        clean(sql->error->message);
    return false;
}

bool fl_sql_no_memory(struct fl_sql *sql)
{
    if (!sql->code)
        sql->code = fl_fail(sql->error, ENOMEM, "no memory for the SQL expression");
    return false;
}

void *fl_sql_grow(struct fl_sql *sql, void *array, size_t count, size_t *room, size_t size)
{
    size_t more = *room ? 2 * *room : 64;
    void *grown;
    if (array && count < *room)
        return array;
    grown = realloc(array, more * size);
    if (!grown) {
        fl_sql_no_memory(sql);
        return NULL;
    }
    *room = more;
    return grown;
}

/* What went wrong inside SQLite: it knows no place. */
static int fail_inside(struct fl_sql_run *run, int code)
{
    const char *said;
    if (run->sql.code)
        return run->sql.code;
    run->sql.code = code == SQLITE_NOMEM ? ENOMEM : code == SQLITE_INTERRUPT ? ETIMEDOUT : EINVAL;
    said = run->db ? run->api->errmsg(run->db) : "no memory";
    if (strstr(said, "stack overflow"))
        said = "nested too deeply for SQLite";
    fl_fail(run->sql.error, run->sql.code, "SQL: %.400s", said);
    if (run->sql.error)
        clean(run->sql.error->message);
    return run->sql.code;
}

/* Nothing but reading the one table and calling functions, once the table has been declared. */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *third, const char *fourth)
{
    const struct fl_sql_run *run = context;
    (void)second;
    (void)third;
    (void)fourth;
    if (run->sql.is_declaring)
        return SQLITE_OK;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
        return SQLITE_OK;
    case SQLITE_READ:
        return !strcmp(first, "t") ? SQLITE_OK : SQLITE_DENY;
    default:
        return SQLITE_DENY;
    }
}

static int tick(void *context)
{
    struct fl_sql_run *run = context;
    run->ticks++;
    return run->ticks > run->most_ticks;
}

static int connect(struct fl_sql_run *run)
{
    const struct fl_sqlite *api = run->api;
    int code =
        api->open_v2(":memory:", &run->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK)
        code = fl_sql_table_register(api, run->db, &run->sql);
    if (code == SQLITE_OK)
        code = fl_sql_functions(api, run->db);
    if (code != SQLITE_OK)
        return code;
    api->db_config(run->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    api->db_config(run->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    api->db_config(run->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    api->limit(run->db, SQLITE_LIMIT_ATTACHED, 0);
    api->limit(run->db, SQLITE_LIMIT_COMPOUND_SELECT, 1);
    api->limit(run->db, SQLITE_LIMIT_TRIGGER_DEPTH, 0);
    api->limit(run->db, SQLITE_LIMIT_WORKER_THREADS, 0);
    api->limit(run->db, SQLITE_LIMIT_LENGTH, VALUE_MOST);
    api->limit(run->db, SQLITE_LIMIT_SQL_LENGTH, VALUE_MOST);
    run->most_ticks = (forkloader_table_rows(run->sql.table) + 1000) / TICK + 1;
    run->most_ticks *= STEPS_PER_BYTE * (run->sql.written_length + 1);
    api->progress_handler(run->db, TICK, tick, run);
    api->set_authorizer(run->db, authorize, run);
    return SQLITE_OK;
}

static bool write_statement(struct fl_sql *sql, bool filter)
{
    bool fine = fl_sql_put(sql, filter ? "SELECT rowid FROM t WHERE " : "SELECT ");
    return fine && fl_sql_write(sql, sql->root) && fl_sql_put(sql, filter ? "" : " FROM t");
}

static int prepare(struct fl_sql_run *run)
{
    const struct fl_sql *sql = &run->sql;
    int code = run->api->prepare_v2(run->db, sql->written, (int)sql->written_length,
                                    &run->statement, NULL);
    for (size_t i = 0; code == SQLITE_OK && i < sql->real_count; i++)
        code = run->api->bind_double(run->statement, (int)i + 1, sql->reals[i]);
    return code;
}

int fl_sql_run_open(struct fl_sql_run *run, const struct forkloader_table *table, const char *text,
                    bool filter, struct forkloader_error *error)
{
    struct fl_sql *sql = &run->sql;
    int code;
    *run = (struct fl_sql_run){
        .sql = {.table = table, .error = error, .text = text, .length = strlen(text)}};
    if (sql->length > TEXT_MOST)
        return fl_fail(error, EINVAL, "the SQL expression has %zu bytes, and %d is the most",
                       sql->length, TEXT_MOST);
    sql->code = fl_type_read(&sql->type, &table->schema, error);
    if (sql->code)
        return sql->code;
    sql->root = fl_sql_parse(sql);
    if (sql->root && filter)
        fl_sql_check_condition(sql, sql->root, "a filter");
    if (!sql->root || sql->code || !write_statement(sql, filter))
        return sql->code;
    run->api = fl_sqlite(error);
    if (!run->api) {
        sql->code = ENOSYS;
        return sql->code;
    }
    code = connect(run);
    if (code == SQLITE_OK)
        code = prepare(run);
    return code == SQLITE_OK ? 0 : fail_inside(run, code);
}

int fl_sql_run_step(struct fl_sql_run *run)
{
    int code = run->api->step(run->statement);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    fail_inside(run, code);
    return -1;
}

void fl_sql_run_close(struct fl_sql_run *run)
{
    struct fl_sql *sql = &run->sql;
    if (run->statement)
        run->api->finalize(run->statement);
    if (run->db)
        run->api->close(run->db);
    for (struct fl_node *node = sql->made_last, *before; node; node = before) {
        before = node->made_before;
        free(node->text);
        free(node);
    }
    for (size_t i = 0; i < sql->column_count; i++)
        fl_sql_column_free(&sql->columns[i]);
    free(sql->columns);
    free(sql->reals);
    free(sql->written);
    fl_type_free(&sql->type);
}
