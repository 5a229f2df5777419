/*
 * The statement for SQLite while it is written: `written` and `reals` of fl_sql. All return false
 * where there is no memory, which is reported.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_STATEMENT_H
#define FL_SQL_STATEMENT_H

#include "loader/sql/tree.h"

bool fl_sql_put(struct fl_sql *sql, const char *text);

/* Literals: text and binary, whole numbers, and doubles, which become parameters. */
bool fl_sql_put_text(struct fl_sql *sql, const struct fl_node *node);
bool fl_sql_put_integer(struct fl_sql *sql, const struct fl_node *node);
bool fl_sql_put_real(struct fl_sql *sql, const struct fl_node *node);

/* A column of the virtual table (virtual_table.h): 'c' or 'n'. */
bool fl_sql_put_column(struct fl_sql *sql, const struct fl_node *node, char variant);

#endif
