/* Values, calls, CASE and what else stands between operators. See parser.h.
   SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/error.h"
#include "loader/sql/parser.h"

#include <stdlib.h>
#include <string.h>

static struct fl_node *call(struct fl_parser *parser, const struct fl_token *name)
{
    struct fl_node *node = fl_sql_node(parser->sql, FL_NODE_CALL, name->at);
    if (!node)
        return NULL;
    node->function = fl_sql_find_function(name->text, name->length);
    if (!node->function) {
        fl_token_no_function(parser->sql, name);
        return NULL;
    }
    return fl_parse_arguments(parser, node) ? fl_parse_checked(parser, node) : NULL;
}

/* a, "a", a.b, "a"."b" */
static struct fl_node *column(struct fl_parser *parser, struct fl_token *name)
{
    enum { PIECES = 16 };
    char *pieces[PIECES] = {0};
    size_t count = 0;
    struct fl_node *node = fl_sql_node(parser->sql, FL_NODE_COLUMN, name->at);
    bool fine = node && (pieces[count++] = fl_token_value(parser->sql, name));
    while (fine && fl_parse_is_operator(parser, ".")) {
        fine = fl_parse_advance(parser);
        if (fine && parser->token.kind != FL_TOKEN_NAME && parser->token.kind != FL_TOKEN_QUOTED)
            fine = fl_token_unexpected(parser->sql, &parser->token, "a field's name");
        if (fine && count == PIECES)
            fine = fl_sql_fail(parser->sql, name->at, "a path of more than %d fields", PIECES);
        fine = fine && (pieces[count++] = fl_token_value(parser->sql, &parser->token)) &&
               fl_parse_advance(parser);
    }
    fine = fine && fl_sql_find_column(parser->sql, node, pieces, count);
    for (size_t i = 0; i < count; i++)
        free(pieces[i]);
    return fine ? node : NULL;
}

static struct fl_node *string(struct fl_parser *parser, unsigned type)
{
    struct fl_node *node = fl_sql_node(parser->sql, FL_NODE_TEXT, parser->token.at);
    if (!node)
        return NULL;
    node->text = fl_token_value(parser->sql, &parser->token);
    if (!node->text || !fl_parse_advance(parser))
        return NULL;
    node->length = strlen(node->text);
    node->types = type;
    if (type != FL_SQL_TEXT && !fl_sql_read_time(node, type)) {
        fl_sql_fail(parser->sql, node->at, "`%.60s` is not a %s", node->text,
                    type == FL_SQL_DATE    ? "date like 2024-02-29"
                    : type == FL_SQL_STAMP ? "timestamp like 2024-02-29 12:00:00.5"
                                           : "time like 12:00:00");
        return NULL;
    }
    return node;
}

static struct fl_node *number(struct fl_parser *parser)
{
    const struct fl_token *token = &parser->token;
    struct fl_node *node = fl_sql_node(
        parser->sql, token->kind == FL_TOKEN_REAL ? FL_NODE_REAL : FL_NODE_INT, token->at);
    if (!node)
        return NULL;
    node->real = token->real;
    node->integer = (int64_t)token->natural;
    node->types = token->kind == FL_TOKEN_REAL ? FL_SQL_REAL : FL_SQL_INT;
    if (token->kind == FL_TOKEN_INTEGER && token->natural > INT64_MAX)
        node->types |= FL_SQL_BIG;
    return fl_parse_advance(parser) ? node : NULL;
}

static struct fl_node *literal(struct fl_parser *parser, enum fl_sql_kind kind, int64_t value)
{
    struct fl_node *node = fl_sql_node(parser->sql, kind, parser->token.at);
    if (!node || !fl_parse_advance(parser))
        return NULL;
    node->integer = value;
    node->types = kind == FL_NODE_BOOL ? FL_SQL_BOOL : 0;
    return node;
}

/* CASE [x] WHEN a THEN b ... [ELSE c] END */
static struct fl_node *case_when(struct fl_parser *parser)
{
    struct fl_node *node = fl_sql_node(parser->sql, FL_NODE_CASE, parser->token.at);
    if (!node || !fl_parse_advance(parser))
        return NULL;
    node->operand = !fl_parse_is_word(parser, "WHEN");
    if (node->operand && !fl_parse_child(parser, node, 0))
        return NULL;
    do {
        if (!fl_parse_expect(parser, fl_parse_is_word(parser, "WHEN"), "WHEN") ||
            !fl_parse_child(parser, node, 0) ||
            !fl_parse_expect(parser, fl_parse_is_word(parser, "THEN"), "THEN") ||
            !fl_parse_child(parser, node, 0))
            return NULL;
    } while (fl_parse_is_word(parser, "WHEN"));
    node->otherwise = fl_parse_is_word(parser, "ELSE");
    if (node->otherwise && (!fl_parse_advance(parser) || !fl_parse_child(parser, node, 0)))
        return NULL;
    return fl_parse_expect(parser, fl_parse_is_word(parser, "END"), "WHEN, ELSE or END")
               ? fl_parse_checked(parser, node)
               : NULL;
}

/* CAST(x AS type) */
static struct fl_node *cast(struct fl_parser *parser)
{
    struct fl_node *node = fl_sql_node(parser->sql, FL_NODE_CAST, parser->token.at);
    if (!node || !fl_parse_advance(parser) ||
        !fl_parse_expect(parser, fl_parse_is_operator(parser, "("), "`(`") ||
        !fl_parse_child(parser, node, 0) ||
        !fl_parse_expect(parser, fl_parse_is_word(parser, "AS"), "AS"))
        return NULL;
    node->integer = fl_token_type(&parser->token);
    if (!fl_parse_expect(parser, node->integer, "a type: BIGINT, DOUBLE, TEXT or BOOLEAN") ||
        !fl_parse_expect(parser, fl_parse_is_operator(parser, ")"), "`)`"))
        return NULL;
    return fl_parse_checked(parser, node);
}

static struct fl_node *unary(struct fl_parser *parser, enum fl_sql_kind kind, int tighter)
{
    struct fl_node *node = fl_sql_node(parser->sql, kind, parser->token.at);
    if (!node || !fl_parse_advance(parser) || !fl_parse_child(parser, node, tighter))
        return NULL;
    return fl_parse_checked(parser, node);
}

static struct fl_node *named(struct fl_parser *parser)
{
    struct fl_token name = parser->token;
    unsigned type = 0;
    if (name.kind == FL_TOKEN_NAME) {
        if (fl_parse_is_word(parser, "NULL"))
            return literal(parser, FL_NODE_NULL, 0);
        if (fl_parse_is_word(parser, "TRUE") || fl_parse_is_word(parser, "FALSE"))
            return literal(parser, FL_NODE_BOOL, fl_parse_is_word(parser, "TRUE"));
        if (fl_parse_is_word(parser, "CASE"))
            return case_when(parser);
        if (fl_parse_is_word(parser, "CAST"))
            return cast(parser);
        if (fl_parse_is_word(parser, "NOT"))
            return unary(parser, FL_NODE_NOT, BIND_NOT);
        if (fl_token_is_reserved(&name)) {
            fl_token_unexpected(parser->sql, &name, "a value");
            return NULL;
        }
        type = fl_parse_is_word(parser, "DATE")        ? FL_SQL_DATE
               : fl_parse_is_word(parser, "TIMESTAMP") ? FL_SQL_STAMP
               : fl_parse_is_word(parser, "TIME")      ? FL_SQL_TIME
                                                       : 0;
    }
    if (!fl_parse_advance(parser))
        return NULL;
    if (type && parser->token.kind == FL_TOKEN_STRING)
        return string(parser, type);
    if (name.kind == FL_TOKEN_NAME && fl_parse_is_operator(parser, "("))
        return call(parser, &name);
    return column(parser, &name);
}

struct fl_node *fl_parse_operand(struct fl_parser *parser)
{
    struct fl_node *node;
    switch (parser->token.kind) {
    case FL_TOKEN_INTEGER:
    case FL_TOKEN_REAL:
        return number(parser);
    case FL_TOKEN_STRING:
        return string(parser, FL_SQL_TEXT);
    case FL_TOKEN_NAME:
    case FL_TOKEN_QUOTED:
        return named(parser);
    default:
        if (fl_parse_is_operator(parser, "-"))
            return unary(parser, FL_NODE_NEGATE, BIND_SIGN);
        if (fl_parse_is_operator(parser, "+")) /* binds as a minus does */
            return fl_parse_advance(parser) ? fl_parse_expression(parser, BIND_SIGN) : NULL;
        if (!fl_parse_is_operator(parser, "(")) {
            fl_token_unexpected(parser->sql, &parser->token, "a value");
            return NULL;
        }
        if (!fl_parse_advance(parser) || !(node = fl_parse_expression(parser, 0)))
            return NULL;
        return fl_parse_expect(parser, fl_parse_is_operator(parser, ")"), "`)`") ? node : NULL;
    }
}
