/* Operators, and the whole. See parser.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/error.h"
#include "loader/sql/parser.h"

#include <stdlib.h>
#include <string.h>

enum { NESTED_MOST = 100, DEPTH_MOST = 900 };

struct fl_node *fl_sql_node(struct fl_sql *sql, enum fl_sql_kind kind, size_t at)
{
    struct fl_node *node = calloc(1, sizeof *node);
    if (!node) {
        fl_sql_no_memory(sql);
        return NULL;
    }
    node->kind = kind;
    node->at = at;
    node->depth = 1;
    node->made_before = sql->made_last;
    sql->made_last = node;
    return node;
}

void fl_sql_adopt(struct fl_node *parent, struct fl_node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
    if (parent->depth <= child->depth)
        parent->depth = child->depth + 1;
}

bool fl_parse_expect(struct fl_parser *parser, bool found, const char *what)
{
    if (found)
        return fl_parse_advance(parser);
    return fl_token_unexpected(parser->sql, &parser->token, what);
}

struct fl_node *fl_parse_checked(struct fl_parser *parser, struct fl_node *node)
{
    if (node->depth > DEPTH_MOST) {
        fl_sql_fail(parser->sql, node->at,
                    "more than %d operators in a row: for many values use IN", DEPTH_MOST);
        return NULL;
    }
    return fl_sql_check(parser->sql, node) ? node : NULL;
}

bool fl_parse_child(struct fl_parser *parser, struct fl_node *node, int tighter)
{
    struct fl_node *child = fl_parse_expression(parser, tighter);
    if (child)
        fl_sql_adopt(node, child);
    return child;
}

bool fl_parse_arguments(struct fl_parser *parser, struct fl_node *node)
{
    if (!fl_parse_advance(parser))
        return false;
    if (!fl_parse_is_operator(parser, ")")) {
        if (!fl_parse_child(parser, node, 0))
            return false;
        while (fl_parse_is_operator(parser, ","))
            if (!fl_parse_advance(parser) || !fl_parse_child(parser, node, 0))
                return false;
    }
    return fl_parse_expect(parser, fl_parse_is_operator(parser, ")"), "`,` or `)`");
}

/* Which infix operator comes next: how tightly it binds; 0: none. */
static int infix(const struct fl_parser *parser)
{
    static const struct {
        const char *text;
        int binds;
    } OPERATORS[] = {
        {"=", BIND_COMPARE},  {"==", BIND_COMPARE}, {"<>", BIND_COMPARE}, {"!=", BIND_COMPARE},
        {"<", BIND_COMPARE},  {"<=", BIND_COMPARE}, {">", BIND_COMPARE},  {">=", BIND_COMPARE},
        {"||", BIND_CONCAT},  {"+", BIND_ADD},      {"-", BIND_ADD},      {"*", BIND_MULTIPLY},
        {"/", BIND_MULTIPLY}, {"%", BIND_MULTIPLY},
    };
    static const char *const WORDS[] = {"IS", "IN", "BETWEEN", "LIKE", "ILIKE", "NOT"};
    if (fl_parse_is_word(parser, "OR"))
        return BIND_OR;
    if (fl_parse_is_word(parser, "AND"))
        return BIND_AND;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (fl_parse_is_word(parser, WORDS[i]))
            return BIND_COMPARE;
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++)
        if (fl_parse_is_operator(parser, OPERATORS[i].text))
            return OPERATORS[i].binds;
    return 0;
}

/* IS [NOT] NULL, TRUE, FALSE, DISTINCT FROM x */
static struct fl_node *is(struct fl_parser *parser, struct fl_node *left)
{
    static const char *const WHAT[] = {"NULL", "TRUE", "FALSE"};
    struct fl_node *node = fl_sql_node(parser->sql, FL_NODE_IS, left->at);
    if (!node || !fl_parse_advance(parser))
        return NULL;
    fl_sql_adopt(node, left);
    node->negated = fl_parse_is_word(parser, "NOT");
    if (node->negated && !fl_parse_advance(parser))
        return NULL;
    for (size_t i = 0; i < 3; i++)
        if (fl_parse_is_word(parser, WHAT[i]))
            node->word = WHAT[i];
    if (!node->word) {
        node->kind = FL_NODE_DISTINCT;
        if (!fl_parse_expect(parser, fl_parse_is_word(parser, "DISTINCT"),
                             "NULL, TRUE, FALSE or DISTINCT FROM") ||
            !fl_parse_expect(parser, fl_parse_is_word(parser, "FROM"), "FROM") ||
            !fl_parse_child(parser, node, BIND_COMPARE))
            return NULL;
    } else if (!fl_parse_advance(parser)) {
        return NULL;
    }
    return fl_parse_checked(parser, node);
}

/* x [NOT] IN, BETWEEN, LIKE, ILIKE */
static struct fl_node *test(struct fl_parser *parser, struct fl_node *left)
{
    struct fl_node *node = fl_sql_node(parser->sql, FL_NODE_IN, left->at);
    if (!node)
        return NULL;
    fl_sql_adopt(node, left);
    node->negated = fl_parse_is_word(parser, "NOT");
    if (node->negated && !fl_parse_advance(parser))
        return NULL;
    if (fl_parse_is_word(parser, "IN")) {
        if (!fl_parse_advance(parser))
            return NULL;
        if (!fl_parse_is_operator(parser, "(")) {
            fl_token_unexpected(parser->sql, &parser->token, "`(`");
            return NULL;
        }
        return fl_parse_arguments(parser, node) ? fl_parse_checked(parser, node) : NULL;
    }
    if (fl_parse_is_word(parser, "BETWEEN")) {
        node->kind = FL_NODE_BETWEEN;
        if (!fl_parse_advance(parser) || !fl_parse_child(parser, node, BIND_COMPARE) ||
            !fl_parse_expect(parser, fl_parse_is_word(parser, "AND"), "AND") ||
            !fl_parse_child(parser, node, BIND_COMPARE))
            return NULL;
        return fl_parse_checked(parser, node);
    }
    node->kind = FL_NODE_LIKE;
    node->fold = fl_parse_is_word(parser, "ILIKE");
    if (!fl_parse_expect(parser, node->fold || fl_parse_is_word(parser, "LIKE"),
                         "IN, BETWEEN, LIKE or ILIKE") ||
        !fl_parse_child(parser, node, BIND_COMPARE))
        return NULL;
    if (fl_parse_is_word(parser, "ESCAPE") &&
        (!fl_parse_advance(parser) || !fl_parse_child(parser, node, BIND_COMPARE)))
        return NULL;
    return fl_parse_checked(parser, node);
}

static struct fl_node *binary(struct fl_parser *parser, struct fl_node *left, int binds)
{
    static const enum fl_sql_kind KINDS[] = {
        [BIND_OR] = FL_NODE_OR,           [BIND_AND] = FL_NODE_AND,
        [BIND_COMPARE] = FL_NODE_COMPARE, [BIND_CONCAT] = FL_NODE_CONCAT,
        [BIND_ADD] = FL_NODE_ARITHMETIC,  [BIND_MULTIPLY] = FL_NODE_ARITHMETIC,
    };
    struct fl_node *node = fl_sql_node(parser->sql, KINDS[binds], parser->token.at);
    if (!node)
        return NULL;
    node->word = fl_token_operator(&parser->token);
    fl_sql_adopt(node, left);
    if (!fl_parse_advance(parser) || !fl_parse_child(parser, node, binds))
        return NULL;
    return fl_parse_checked(parser, node);
}

struct fl_node *fl_parse_expression(struct fl_parser *parser, int tighter)
{
    struct fl_node *left;
    int binds;
    if (parser->nested == NESTED_MOST) {
        fl_sql_fail(parser->sql, parser->token.at, "nested deeper than %d", NESTED_MOST);
        return NULL;
    }
    parser->nested++;
    left = fl_parse_operand(parser);
    while (left && (binds = infix(parser)) > tighter) {
        if (fl_parse_is_word(parser, "IS"))
            left = is(parser, left);
        else if (binds == BIND_COMPARE && parser->token.kind == FL_TOKEN_NAME)
            left = test(parser, left);
        else
            left = binary(parser, left, binds);
    }
    parser->nested--;
    return left;
}

struct fl_node *fl_sql_parse(struct fl_sql *sql)
{
    struct fl_parser parser = {.sql = sql};
    struct fl_node *root;
    if (!fl_parse_advance(&parser))
        return NULL;
    if (parser.token.kind == FL_TOKEN_END) {
        fl_sql_fail(sql, 0, "the expression is empty");
        return NULL;
    }
    root = fl_parse_expression(&parser, 0);
    if (root && parser.token.kind != FL_TOKEN_END) {
        fl_token_unexpected(sql, &parser.token, "an operator or the end");
        return NULL;
    }
    return root;
}
