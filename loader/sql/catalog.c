/* The functions that expressions may call. See tree.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/error.h"
#include "loader/sql/token.h"
#include "loader/sql/tree.h"

#include <string.h>
#include <strings.h>

static const struct fl_sql_function FUNCTIONS[] = {
    {"abs", "fl_abs", 1, 1, FL_SQL_NUMBER, 0, 0},
    {"ceil", "fl_ceil", 1, 1, FL_SQL_NUMBER, 0, FL_SQL_REAL},
    {"coalesce", "coalesce", 1000, 2, FL_SQL_TYPES & ~FL_SQL_OTHER, 0, 0},
    {"floor", "fl_floor", 1, 1, FL_SQL_NUMBER, 0, FL_SQL_REAL},
    {"ifnull", "ifnull", 2, 2, FL_SQL_TYPES & ~FL_SQL_OTHER, 0, 0},
    {"instr", "instr", 2, 2, FL_SQL_TEXT, 0, FL_SQL_INT},
    {"isnan", "fl_isnan", 1, 1, FL_SQL_NUMBER, 0, FL_SQL_BOOL},
    {"length", "fl_length", 1, 1, FL_SQL_TEXT | FL_SQL_BYTES, 0, FL_SQL_INT},
    {"lower", "lower", 1, 1, FL_SQL_TEXT, 0, FL_SQL_TEXT},
    {"ltrim", "ltrim", 2, 1, FL_SQL_TEXT, 0, FL_SQL_TEXT},
    {"nullif", "nullif", 2, 2, FL_SQL_TYPES & ~FL_SQL_OTHER, 0, 0},
    {"replace", "replace", 3, 3, FL_SQL_TEXT, 0, FL_SQL_TEXT},
    {"round", "fl_round", 2, 1, FL_SQL_NUMBER, FL_SQL_INT, FL_SQL_REAL},
    {"rtrim", "rtrim", 2, 1, FL_SQL_TEXT, 0, FL_SQL_TEXT},
    {"substr", "substr", 3, 2, FL_SQL_TEXT | FL_SQL_WHEN, FL_SQL_INT, FL_SQL_TEXT},
    {"substring", "substr", 3, 2, FL_SQL_TEXT | FL_SQL_WHEN, FL_SQL_INT, FL_SQL_TEXT},
    {"trim", "trim", 2, 1, FL_SQL_TEXT, 0, FL_SQL_TEXT},
    {"upper", "upper", 1, 1, FL_SQL_TEXT, 0, FL_SQL_TEXT},
};

const struct fl_sql_function *fl_sql_find_function(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        if (strlen(FUNCTIONS[i].name) == length && !strncasecmp(FUNCTIONS[i].name, name, length))
            return &FUNCTIONS[i];
    return NULL;
}

bool fl_token_no_function(struct fl_sql *sql, const struct fl_token *name)
{
    static const char *const AGGREGATES[] = {"count", "sum",          "avg",  "min",  "max",
                                             "total", "group_concat", "rank", "first"};
    for (size_t i = 0; i < sizeof AGGREGATES / sizeof *AGGREGATES; i++)
        if (fl_token_is_word(name, AGGREGATES[i]))
            return fl_sql_fail(sql, name->at, "`%.*s`: no aggregates: a row's value is its own",
                               (int)name->length, name->text);
    if (fl_token_is_word(name, "random") || fl_token_is_word(name, "rand") ||
        fl_token_is_word(name, "randomblob") || fl_token_is_word(name, "now"))
        return fl_sql_fail(sql, name->at, "`%.*s` is refused: the same rows must come every time",
                           (int)name->length, name->text);
    return fl_sql_fail(sql, name->at,
                       "no function `%.*s`; there are abs, ceil, coalesce, floor, ifnull, instr, "
                       "isnan, length, lower, ltrim, nullif, replace, round, rtrim, substr, trim, "
                       "upper",
                       (int)(name->length < 40 ? name->length : 40), name->text);
}
