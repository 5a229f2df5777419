/*
 * Errors of one expression.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_ERROR_H
#define FL_SQL_ERROR_H

#include <stdbool.h>
#include <stddef.h>

struct fl_sql;

/* One line, with the place in the text; the first error stays. Returns false. */
__attribute__((format(printf, 3, 4))) bool fl_sql_fail(struct fl_sql *sql, size_t at,
                                                       const char *format, ...);
bool fl_sql_no_memory(struct fl_sql *sql);

/* Makes one line of UTF-8 of a message, whatever was quoted in it or cut off. */
void fl_sql_clean(char *text);

/* An array grown to hold one more; NULL: no memory, reported. */
void *fl_sql_grow(struct fl_sql *sql, void *array, size_t count, size_t *room, size_t size);

#endif
