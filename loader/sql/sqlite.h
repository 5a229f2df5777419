/*
 * SQLite, loaded at first use: programs without filters do not need it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_SQLITE_H
#define FL_SQL_SQLITE_H

#include "loader/base/error.h"

#include <sqlite3.h>

#define FL_SQLITE(X)      \
    X(bind_double)        \
    X(close)              \
    X(column_blob)        \
    X(column_bytes)       \
    X(column_double)      \
    X(column_int64)       \
    X(column_text)        \
    X(column_type)        \
    X(create_function_v2) \
    X(create_module_v2)   \
    X(db_config)          \
    X(declare_vtab)       \
    X(errmsg)             \
    X(finalize)           \
    X(free)               \
    X(limit)              \
    X(malloc64)           \
    X(open_v2)            \
    X(prepare_v2)         \
    X(progress_handler)   \
    X(result_blob)        \
    X(result_double)      \
    X(result_error)       \
    X(result_error_nomem) \
    X(result_int64)       \
    X(result_null)        \
    X(result_text64)      \
    X(set_authorizer)     \
    X(step)               \
    X(user_data)          \
    X(value_blob)         \
    X(value_bytes)        \
    X(value_double)       \
    X(value_int64)        \
    X(value_text)         \
    X(value_type)

struct fl_sqlite {
#define X(name) __typeof__(sqlite3_##name) *name;
    FL_SQLITE(X)
#undef X
};

/* NULL: not found, which is reported. */
const struct fl_sqlite *fl_sqlite(struct forkloader_error *error);

/* The same, for callbacks of SQLite: it is loaded already. */
const struct fl_sqlite *fl_sqlite_open(void);

#endif
