/*
 * What the parts of the parser share: operators (parse.c) and what stands between them
 * (operand.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FL_SQL_PARSER_H
#define FL_SQL_PARSER_H

#include "loader/sql/token.h"
#include "loader/sql/tree.h"

/* How tightly operators bind. */
enum fl_binds {
    BIND_OR = 1,
    BIND_AND,
    BIND_NOT,
    BIND_COMPARE,
    BIND_CONCAT,
    BIND_ADD,
    BIND_MULTIPLY,
    BIND_SIGN
};

struct fl_parser {
    struct fl_sql *sql;
    struct fl_token token; /* the next one */
    int nested;
};

/* What binds more tightly than `tighter`. These give NULL or false after an error, which is
 * reported. */
struct fl_node *fl_parse_expression(struct fl_parser *parser, int tighter);
struct fl_node *fl_parse_operand(struct fl_parser *parser);

/* Parses an expression and makes it a child. */
bool fl_parse_child(struct fl_parser *parser, struct fl_node *node, int tighter);

/* "(a, b ...)" as children; the parenthesis has been seen. */
bool fl_parse_arguments(struct fl_parser *parser, struct fl_node *node);

/* The node, if its types fit together. */
struct fl_node *fl_parse_checked(struct fl_parser *parser, struct fl_node *node);

/* Advances if the expected token was `found`. */
bool fl_parse_expect(struct fl_parser *parser, bool found, const char *what);

static inline bool fl_parse_advance(struct fl_parser *parser)
{
    return fl_token_next(parser->sql, &parser->token);
}

static inline bool fl_parse_is_word(const struct fl_parser *parser, const char *word)
{
    return fl_token_is_word(&parser->token, word);
}

static inline bool fl_parse_is_operator(const struct fl_parser *parser, const char *operator)
{
    return fl_token_is_operator(&parser->token, operator);
}

#endif
