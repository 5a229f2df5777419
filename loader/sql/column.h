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

/* A count of a date or time, the infinite ones one beyond the others. */
static inline int64_t fl_sql_column_count(const struct fl_sql_column *column, int64_t count)
{
    if (count < column->least)
        return column->least - 1;
    return count > column->most ? column->most + 1 : count;
}

void fl_sql_column_free(struct fl_sql_column *column);

#endif
