/*
 * The columns that an expression uses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_COLUMN_H
#define FL_SQL_COLUMN_H

#include "loader/sql/tree.h"

/* From now on the column is read from this batch. */
void fl_sql_column_bind(struct fl_sql_column *column, const struct ArrowArray *batch);
void fl_sql_column_read(const struct fl_sql_column *column, int64_t row, struct fl_cell *cell);
void fl_sql_column_free(struct fl_sql_column *column);

#endif
