/* Filters. See run.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/sql/error.h"
#include "loader/sql/run.h"

#include <errno.h>
#include <stdlib.h>

static int collect(struct fl_sql_run *run, uint64_t **rows, uint64_t *count)
{
    size_t room = 0;
    int step;
    while ((step = fl_sql_run_step(run)) > 0) {
        uint64_t *grown = fl_sql_grow(&run->sql, *rows, *count, &room, sizeof **rows);
        if (!grown)
            return run->sql.code;
        *rows = grown;
        grown[(*count)++] = (uint64_t)run->api->column_int64(run->statement, 0);
    }
    return step ? run->sql.code : 0;
}

FL_PUBLIC int forkloader_table_filter(const struct forkloader_table *table, const char *sql,
                                      uint64_t **rows, uint64_t *count,
                                      struct forkloader_error *error)
{
    struct fl_sql_run run;
    int code = fl_sql_run_open(&run, table, sql, true, error);
    *rows = NULL;
    *count = 0;
    if (!code)
        code = collect(&run, rows, count);
    fl_sql_run_close(&run);
    if (code) {
        free(*rows);
        *rows = NULL;
        *count = 0;
    }
    return code;
}

FL_PUBLIC void forkloader_rows_free(uint64_t *rows)
{
    free(rows);
}
