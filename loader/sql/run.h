/*
 * One run of an expression over a table: a connection to SQLite that lives as long as the call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_RUN_H
#define FL_SQL_RUN_H

#include "loader/sql/sqlite.h"
#include "loader/sql/tree.h"

struct fl_sql_run {
    struct fl_sql sql;
    const struct fl_sqlite *api;
    sqlite3 *db;
    sqlite3_stmt *statement;
    uint64_t ticks;      /* of SQLite's machine */
    uint64_t most_ticks; /* then it is stopped */
};

/* Parses and prepares "SELECT rowid FROM t WHERE text" or "SELECT text FROM t"; returns an errno
   value, reported. To be closed in either case. */
int fl_sql_run_open(struct fl_sql_run *run, const struct forkloader_table *table, const char *text,
                    bool filter, struct forkloader_error *error);
void fl_sql_run_close(struct fl_sql_run *run);

/* 1: a row; 0: the end; negative: an error, reported, and run->sql.code. */
int fl_sql_run_step(struct fl_sql_run *run);

#endif
