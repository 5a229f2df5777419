/* See run.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/run.h"
#include "loader/base/error.h"
#include "loader/sql/column.h"
#include "loader/sql/error.h"
#include "loader/sql/statement.h"
#include "loader/sql/value.h"
#include "loader/sql/virtual_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MOST = 16 * 1024 * 1024,   /* of an expression */
    VALUE_MOST = 256 * 1024 * 1024, /* of one value that an expression makes */
    TICK = 100000,                  /* steps of SQLite's machine between two looks at their count */
    STEPS_PER_BYTE = 64, /* for every byte of SQL and every row: far more than any takes */
};

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
        fl_sql_clean(run->sql.error->message);
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
