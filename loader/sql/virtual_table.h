/*
 * The table as SQLite sees it: `t`, with the columns that one expression uses, each twice (cN and
 * nN, where NaN is NULL, and a date or time the count of its units). Its rowid is the row's number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_VIRTUAL_TABLE_H
#define FL_SQL_VIRTUAL_TABLE_H

#include "loader/sql/sqlite.h"
#include "loader/sql/tree.h"

/* An SQLite code. `sql` lives until the connection is closed; one statement at a time. */
int fl_sql_table_register(const struct fl_sqlite *api, sqlite3 *db, struct fl_sql *sql);

#endif
