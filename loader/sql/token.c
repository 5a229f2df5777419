/* See token.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strtod_l */
#include "loader/sql/token.h"
#include "loader/sql/error.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const OPERATORS[] = {"<=", ">=", "<>", "!=", "==", "||", "(", ")", ",",
                                        ".",  "=",  "<",  ">",  "+",  "-",  "*", "/", "%"};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool goes_on_name(char c)
{
    return starts_name(c) || is_digit(c) || c == '$';
}

static bool read_quoted(struct fl_sql *sql, struct fl_token *token)
{
    char quote = *token->text;
    const char *end = token->text + 1;
    while (*end && (*end != quote || end[1] == quote))
        end += 1 + (*end == quote);
    token->kind = quote == '\'' ? FL_TOKEN_STRING : FL_TOKEN_QUOTED;
    if (!*end)
        return fl_sql_fail(sql, token->at, "the %s that begins here does not end",
                           quote == '\'' ? "text" : "quoted name");
    token->length = (size_t)(end + 1 - token->text);
    return true;
}

static bool read_hexadecimal(struct fl_sql *sql, struct fl_token *token)
{
    char *end;
    token->kind = FL_TOKEN_INTEGER;
    token->natural = strtoull(token->text, &end, 16);
    token->length = (size_t)(end - token->text);
    if (token->length > 18)
        return fl_sql_fail(sql, token->at, "a number beyond 64 bits");
    return true;
}

static bool read_number(struct fl_sql *sql, struct fl_token *token)
{
    const char *at = token->text;
    bool real = false, beyond = false;
    char *end;
    token->natural = 0;
    for (; is_digit(*at); at++)
        beyond |= __builtin_mul_overflow(token->natural, 10u, &token->natural) ||
                  __builtin_add_overflow(token->natural, (uint64_t)(*at - '0'), &token->natural);
    if (*at == '.') {
        real = true;
        while (is_digit(*++at))
            ;
    }
    if ((*at | 32) == 'e' &&
        (is_digit(at[1]) || ((at[1] == '-' || at[1] == '+') && is_digit(at[2])))) {
        real = true;
        for (at += 2; is_digit(*at); at++)
            ;
    }
    token->kind = real || beyond ? FL_TOKEN_REAL : FL_TOKEN_INTEGER;
    token->length = (size_t)(at - token->text);
    /* The text continues after the number, but not as a part of it. */
    token->real = strtod_l(token->text, &end, newlocale(LC_ALL_MASK, "C", (locale_t)0));
    if (isinf(token->real))
        return fl_sql_fail(sql, token->at, "a number beyond what a double holds");
    return true;
}

static bool read_operator(struct fl_sql *sql, struct fl_token *token)
{
    token->kind = FL_TOKEN_OPERATOR;
    if (!strncmp(token->text, "--", 2) || !strncmp(token->text, "/*", 2))
        return fl_sql_fail(sql, token->at, "comments are not read (for minus minus write `- -`)");
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++) {
        token->length = strlen(OPERATORS[i]);
        if (!strncmp(token->text, OPERATORS[i], token->length))
            return true;
    }
    if (*token->text == ';')
        return fl_sql_fail(sql, token->at, "`;`: one expression, not statements");
    return fl_sql_fail(sql, token->at, "`%.1s` means nothing here", token->text);
}

bool fl_token_next(struct fl_sql *sql, struct fl_token *token)
{
    bool fine = true;
    token->at += token->length;
    while (is_space(sql->text[token->at]))
        token->at++;
    token->text = sql->text + token->at;
    token->length = 0;
    if (!*token->text) {
        token->kind = FL_TOKEN_END;
        return true;
    }
    if (*token->text == '\'' || *token->text == '"' || *token->text == '`')
        return read_quoted(sql, token);
    if (is_digit(*token->text) || (*token->text == '.' && is_digit(token->text[1]))) {
        bool hexadecimal = token->text[0] == '0' && (token->text[1] | 32) == 'x';
        fine = hexadecimal ? read_hexadecimal(sql, token) : read_number(sql, token);
        if (fine && goes_on_name(token->text[token->length]))
            return fl_sql_fail(sql, token->at, "`%.*s` is not a number", (int)token->length + 1,
                               token->text);
        return fine;
    }
    if (!starts_name(*token->text))
        return read_operator(sql, token);
    token->kind = FL_TOKEN_NAME;
    while (goes_on_name(token->text[token->length]))
        token->length++;
    return true;
}

bool fl_token_is_word(const struct fl_token *token, const char *word)
{
    return token->kind == FL_TOKEN_NAME && token->length == strlen(word) &&
           !strncasecmp(token->text, word, token->length);
}

bool fl_token_is_operator(const struct fl_token *token, const char *operator)
{
    return token->kind == FL_TOKEN_OPERATOR && token->length == strlen(operator) &&
           !strncmp(token->text, operator, token->length);
}

bool fl_token_is_reserved(const struct fl_token *token)
{
    static const char *const WORDS[] = {
        "AND",    "OR",       "NOT",  "IN",   "IS",   "NULL", "BETWEEN", "LIKE", "ILIKE",
        "ESCAPE", "CASE",     "WHEN", "END",  "CAST", "THEN", "ELSE",    "TRUE", "FALSE",
        "AS",     "DISTINCT", "FROM", "OVER", "ALL",  "WITH", "SELECT",  "WHERE"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (fl_token_is_word(token, WORDS[i]))
            return true;
    return false;
}

const char *fl_token_operator(const struct fl_token *token)
{
    if (fl_token_is_operator(token, "!="))
        return "<>";
    if (fl_token_is_operator(token, "=="))
        return "=";
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++)
        if (fl_token_is_operator(token, OPERATORS[i]))
            return OPERATORS[i];
    return NULL;
}

int64_t fl_token_type(const struct fl_token *token)
{
    static const struct {
        const char *name;
        int type;
    } TYPES[] = {
        {"INT", FL_SQL_INT},   {"INTEGER", FL_SQL_INT},  {"BIGINT", FL_SQL_INT},
        {"REAL", FL_SQL_REAL}, {"DOUBLE", FL_SQL_REAL},  {"FLOAT", FL_SQL_REAL},
        {"TEXT", FL_SQL_TEXT}, {"VARCHAR", FL_SQL_TEXT}, {"STRING", FL_SQL_TEXT},
        {"BOOL", FL_SQL_BOOL}, {"BOOLEAN", FL_SQL_BOOL},
    };
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (fl_token_is_word(token, TYPES[i].name))
            return TYPES[i].type;
    return 0;
}

char *fl_token_value(struct fl_sql *sql, const struct fl_token *token)
{
    bool quoted = token->kind != FL_TOKEN_NAME;
    const char *from = token->text + quoted, *end = token->text + token->length - quoted;
    char *value = malloc(token->length + 1), *at = value;
    if (!value) {
        fl_sql_no_memory(sql);
        return NULL;
    }
    while (from < end) {
        *at++ = *from;
        from += quoted && *from == *token->text ? 2 : 1; /* a doubled quote */
    }
    *at = '\0';
    return value;
}

bool fl_token_unexpected(struct fl_sql *sql, const struct fl_token *token, const char *wanted)
{
    if (token->kind == FL_TOKEN_END)
        return fl_sql_fail(sql, token->at, "the expression ends where %s should come", wanted);
    if (fl_token_is_word(token, "SELECT") || fl_token_is_word(token, "WITH"))
        return fl_sql_fail(sql, token->at, "an expression only, no SELECT");
    if (fl_token_is_word(token, "OVER"))
        return fl_sql_fail(sql, token->at, "no window functions: a row's value is its own");
    return fl_sql_fail(sql, token->at, "`%.*s` where %s should come",
                       (int)(token->length < 40 ? token->length : 40), token->text, wanted);
}
