/*
 * Values between Arrow and SQLite. What SQLite has no number for is a blob that sorts where the
 * number would: 2^63 and more as its 8 bytes, highest first, and NaN as 9 bytes of 255, equal to
 * itself and greater than everything.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_VALUE_H
#define FL_SQL_VALUE_H

#include "loader/cell/cell.h"
#include "loader/sql/sqlite.h"

enum fl_number_kind { FL_NUMBER_NONE, FL_NUMBER_INT, FL_NUMBER_BIG, FL_NUMBER_REAL };

struct fl_number {
    enum fl_number_kind kind;
    union {
        int64_t integer;
        uint64_t big;
        double real;
    };
};

struct fl_number fl_number_of(const struct fl_sqlite *api, sqlite3_value *value);
struct fl_number fl_number_of_blob(const void *blob, int length);
static inline struct fl_number fl_number_none(void)
{
    return (struct fl_number){.kind = FL_NUMBER_NONE};
}
static inline struct fl_number fl_number_of_real(double real)
{
    return (struct fl_number){.kind = FL_NUMBER_REAL, .real = real};
}
/* As SQLite does it where whole numbers do not fit: a double. */
struct fl_number fl_number_of_wide(__int128 wide);
double fl_number_real(const struct fl_number *number);

/* -1, 0 or 1; NaN is equal to itself and greater than all others. Neither may be NONE. */
int fl_number_compare(const struct fl_number *a, const struct fl_number *b);

/* As text that reads back as the same number. Returns its length. */
enum { FL_NUMBER_TEXT_MOST = 40 };
int fl_number_text(const struct fl_number *number, char text[FL_NUMBER_TEXT_MOST]);

/* All of the text as a number, whole only if asked; NONE: it is not a number. */
struct fl_number fl_number_parse(const char *text, size_t length, bool whole);

void fl_result_number(const struct fl_sqlite *api, sqlite3_context *context,
                      const struct fl_number *number);
/* NaN is NULL. */
void fl_result_or_null(const struct fl_sqlite *api, sqlite3_context *context,
                       struct fl_number number);
void fl_result_cell(const struct fl_sqlite *api, sqlite3_context *context,
                    const struct fl_cell *cell);

/* Of an operator and two numbers, where `%` or numbers of 2^63 and more need it; -1, 0 or 1. */
void fl_sql_arithmetic(sqlite3_context *context, int count, sqlite3_value **values);
void fl_sql_compare(sqlite3_context *context, int count, sqlite3_value **values);

/* LIKE as the standard has it, of a text, a pattern and perhaps an escape: `a` is not `A`. And
   ILIKE: the 26 letters in any case. */
void fl_sql_like(sqlite3_context *context, int count, sqlite3_value **values);
void fl_sql_ilike(sqlite3_context *context, int count, sqlite3_value **values);

/* The functions that expressions are written with. */
int fl_sql_functions(const struct fl_sqlite *api, sqlite3 *db);

#endif
