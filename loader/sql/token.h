/*
 * The words of an SQL expression. A token points into the text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_TOKEN_H
#define FL_SQL_TOKEN_H

#include "loader/sql/tree.h"

enum fl_token_kind {
    FL_TOKEN_END,
    FL_TOKEN_NAME,
    FL_TOKEN_QUOTED, /* "name" or `name` */
    FL_TOKEN_STRING,
    FL_TOKEN_INTEGER,
    FL_TOKEN_REAL,
    FL_TOKEN_OPERATOR,
};

struct fl_token {
    enum fl_token_kind kind;
    size_t at;
    size_t length;
    const char *text;
    uint64_t natural;
    double real;
};

/* The token after this one; all zero: the first. */
bool fl_token_next(struct fl_sql *sql, struct fl_token *token);

bool fl_token_is_word(const struct fl_token *token, const char *word); /* in any case */
bool fl_token_is_operator(const struct fl_token *token, const char *operator);
bool fl_token_is_reserved(const struct fl_token *token);     /* no column without quotes */
const char *fl_token_operator(const struct fl_token *token); /* constant text; != is <>, == is = */

/* The FL_SQL_ type that a name in CAST stands for, or 0. */
int64_t fl_token_type(const struct fl_token *token);

/* The value of a name or string, without its quotes; malloced. */
char *fl_token_value(struct fl_sql *sql, const struct fl_token *token);

/* Report mistakes; return false. */
bool fl_token_unexpected(struct fl_sql *sql, const struct fl_token *token, const char *wanted);
bool fl_token_no_function(struct fl_sql *sql, const struct fl_token *name);

#endif
