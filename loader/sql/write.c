/*
 * The expression for SQLite: columns as c0, c1 ... (n0, n1 ...: NaN is NULL, dates and times are
 * counts), doubles as parameters. See tree.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loader/sql/statement.h"

#include <stdio.h>

/* Between two texts. */
static bool put_around(struct fl_sql *sql, const char *before, const struct fl_node *node,
                       const char *after)
{
    return fl_sql_put(sql, before) && fl_sql_write(sql, node) && fl_sql_put(sql, after);
}

/* A number that SQLite can calculate with. */
static bool put_number(struct fl_sql *sql, const struct fl_node *node)
{
    if (!(node->types & FL_SQL_NAN))
        return fl_sql_write(sql, node);
    if (node->kind == FL_NODE_COLUMN)
        return fl_sql_put_column(sql, node, 'n');
    return put_around(sql, "fl_number(", node, ")");
}

static bool put_join(struct fl_sql *sql, const char *before, const struct fl_node *parent)
{
    bool fine = fl_sql_put(sql, before);
    for (const struct fl_node *node = parent->first; fine && node; node = node->next)
        fine = fl_sql_write(sql, node) && (!node->next || fl_sql_put(sql, ", "));
    return fine && fl_sql_put(sql, ")");
}

/* '+' for both + and -; 0: what is not written as an operator of SQLite's, or does not go on to the
   right without parentheses. */
static char level(const struct fl_node *arithmetic)
{
    char operation = arithmetic->word[0];
    if ((arithmetic->first->types | arithmetic->last->types) & FL_SQL_BIG || operation == '/' ||
        operation == '%')
        return 0;
    return operation == '-' ? '+' : operation;
}

/* a + b - c: without parentheses, which SQLite's parser has to stack. */
static bool put_sum(struct fl_sql *sql, const struct fl_node *node)
{
    const struct fl_node *left = node->first;
    bool goes_on = left->kind == FL_NODE_ARITHMETIC && level(node) && level(left) == level(node);
    return (goes_on ? put_sum(sql, left) : put_number(sql, left)) && fl_sql_put(sql, " ") &&
           fl_sql_put(sql, node->word) && fl_sql_put(sql, " ") && put_number(sql, left->next);
}

static bool put_arithmetic(struct fl_sql *sql, const struct fl_node *node)
{
    const struct fl_node *left = node->first, *right = left->next;
    unsigned types = left->types | right->types;
    char call[32];
    if (types & FL_SQL_BIG || (node->word[0] == '%' && types & FL_SQL_REAL)) {
        snprintf(call, sizeof call, "fl_arithmetic('%c', ", node->word[0]);
        return put_join(sql, call, node);
    }
    /* What may be a whole number at run time must not be divided as one. */
    if (node->word[0] == '/' && types & FL_SQL_REAL)
        return fl_sql_put(sql, "(CAST(") && put_number(sql, left) &&
               fl_sql_put(sql, " AS REAL) / ") && put_number(sql, right) && fl_sql_put(sql, ")");
    return fl_sql_put(sql, "(") && put_sum(sql, node) && fl_sql_put(sql, ")");
}

/* Numbers of 2^63 and more are blobs, which sort after every double. */
static bool needs_compare(const struct fl_node *parent)
{
    unsigned types = 0;
    for (const struct fl_node *node = parent->first; node; node = node->next)
        types |= node->types;
    return types & FL_SQL_BIG && types & FL_SQL_REAL;
}

static bool put_compared(struct fl_sql *sql, const struct fl_node *left,
                         const struct fl_node *right, const char *word)
{
    return fl_sql_put(sql, "(fl_compare(") && fl_sql_write(sql, left) && fl_sql_put(sql, ", ") &&
           fl_sql_write(sql, right) && fl_sql_put(sql, ") ") && fl_sql_put(sql, word) &&
           fl_sql_put(sql, " 0)");
}

static bool put_infix(struct fl_sql *sql, const struct fl_node *left, const char *word,
                      const struct fl_node *right)
{
    return put_around(sql, "(", left, " ") && fl_sql_put(sql, word) &&
           put_around(sql, " ", right, ")");
}

/* a AND b AND c: likewise. */
static bool put_chain(struct fl_sql *sql, const struct fl_node *node, const char *word)
{
    const struct fl_node *left = node->first;
    bool fine;
    if (left->kind == node->kind)
        fine = put_chain(sql, left, word);
    else
        fine = fl_sql_write(sql, left);
    return fine && fl_sql_put(sql, word) && fl_sql_write(sql, left->next);
}

static bool put_between(struct fl_sql *sql, const struct fl_node *node)
{
    const struct fl_node *low = node->first->next;
    if (needs_compare(node))
        return fl_sql_put(sql, node->negated ? "(NOT (" : "((") &&
               put_compared(sql, node->first, low, ">=") && fl_sql_put(sql, " AND ") &&
               put_compared(sql, node->first, low->next, "<=") && fl_sql_put(sql, "))");
    return put_around(sql, "(", node->first, node->negated ? " NOT BETWEEN " : " BETWEEN ") &&
           put_around(sql, "", low, " AND ") && put_around(sql, "", low->next, ")");
}

static bool put_in(struct fl_sql *sql, const struct fl_node *node)
{
    const struct fl_node *item = node->first->next;
    bool fine, compare = needs_compare(node);
    if (compare)
        fine = fl_sql_put(sql, node->negated ? "(NOT (" : "((");
    else
        fine = put_around(sql, "(", node->first, node->negated ? " NOT IN (" : " IN (");
    for (; fine && item; item = item->next)
        fine = (compare ? put_compared(sql, node->first, item, "=") : fl_sql_write(sql, item)) &&
               (!item->next || fl_sql_put(sql, compare ? " OR " : ", "));
    return fine && fl_sql_put(sql, "))");
}

static bool put_case(struct fl_sql *sql, const struct fl_node *node)
{
    const struct fl_node *child = node->first;
    bool fine = fl_sql_put(sql, "CASE ");
    if (node->operand) {
        fine = fine && put_around(sql, "", child, " ");
        child = child->next;
    }
    for (; fine && child && child->next; child = child->next->next)
        fine = put_around(sql, "WHEN ", child, " THEN ") && put_around(sql, "", child->next, " ");
    if (child)
        fine = fine && put_around(sql, "ELSE ", child, " ");
    return fine && fl_sql_put(sql, "END");
}

/* What is joined to text, or cast to it. */
static bool put_as_text(struct fl_sql *sql, const struct fl_node *node)
{
    if (!(node->types & (FL_SQL_NUMBER | FL_SQL_BOOL)))
        return fl_sql_write(sql, node);
    return put_around(sql, node->types & FL_SQL_NUMBER ? "fl_text(" : "fl_bool_text(", node, ")");
}

static bool put_concat(struct fl_sql *sql, const struct fl_node *node)
{
    const struct fl_node *left = node->first;
    bool fine = left->kind == FL_NODE_CONCAT ? put_concat(sql, left) : put_as_text(sql, left);
    return fine && fl_sql_put(sql, " || ") && put_as_text(sql, left->next);
}

static bool put_cast(struct fl_sql *sql, const struct fl_node *node)
{
    switch (node->integer) {
    case FL_SQL_TEXT:
        return put_as_text(sql, node->first);
    case FL_SQL_INT:
        return put_around(sql, "fl_cast_int(", node->first, ")");
    case FL_SQL_REAL:
        return put_around(sql, "fl_cast_real(", node->first, ")");
    default:
        return put_around(sql, "fl_cast_bool(", node->first, ")");
    }
}

static bool put_call(struct fl_sql *sql, const struct fl_node *node)
{
    return fl_sql_put(sql, node->function->written) && put_join(sql, "(", node);
}

static bool put_is(struct fl_sql *sql, const struct fl_node *node)
{
    return put_around(sql, "(", node->first, node->negated ? " IS NOT " : " IS ") &&
           fl_sql_put(sql, node->word) && fl_sql_put(sql, ")");
}

static bool put_like(struct fl_sql *sql, const struct fl_node *node)
{
    return fl_sql_put(sql, node->negated ? "(NOT " : "(") &&
           put_join(sql, node->fold ? "fl_ilike(" : "fl_like(", node) && fl_sql_put(sql, ")");
}

static bool put_as_stamp(struct fl_sql *sql, const struct fl_node *node)
{
    struct fl_node plain = *node;
    plain.as_stamp = false;
    return put_around(sql, "(", &plain, " || ' 00:00:00')");
}

bool fl_sql_write(struct fl_sql *sql, const struct fl_node *node)
{
    if (node->as_stamp && node->kind != FL_NODE_COLUMN)
        return put_as_stamp(sql, node);
    switch (node->kind) {
    case FL_NODE_NULL:
        return fl_sql_put(sql, "NULL");
    case FL_NODE_BOOL:
        return fl_sql_put(sql, node->integer ? "1" : "0");
    case FL_NODE_INT:
        return fl_sql_put_integer(sql, node);
    case FL_NODE_REAL:
        return fl_sql_put_real(sql, node);
    case FL_NODE_TEXT:
        return fl_sql_put_text(sql, node);
    case FL_NODE_COLUMN:
        return fl_sql_put_column(sql, node, node->as_count ? 'n' : 'c');
    case FL_NODE_NEGATE:
        if (node->types & FL_SQL_BIG)
            return put_around(sql, "fl_arithmetic('-', 0, ", node->first, ")");
        return fl_sql_put(sql, "(- ") && put_number(sql, node->first) && fl_sql_put(sql, ")");
    case FL_NODE_NOT:
        return put_around(sql, "(NOT ", node->first, ")");
    case FL_NODE_AND:
        return fl_sql_put(sql, "(") && put_chain(sql, node, " AND ") && fl_sql_put(sql, ")");
    case FL_NODE_OR:
        return fl_sql_put(sql, "(") && put_chain(sql, node, " OR ") && fl_sql_put(sql, ")");
    case FL_NODE_ARITHMETIC:
        return put_arithmetic(sql, node);
    case FL_NODE_CONCAT:
        return fl_sql_put(sql, "(") && put_concat(sql, node) && fl_sql_put(sql, ")");
    case FL_NODE_COMPARE:
        if (needs_compare(node))
            return put_compared(sql, node->first, node->first->next, node->word);
        return put_infix(sql, node->first, node->word, node->first->next);
    case FL_NODE_DISTINCT:
        return put_infix(sql, node->first, node->negated ? "IS" : "IS NOT", node->first->next);
    case FL_NODE_IS:
        return put_is(sql, node);
    case FL_NODE_IN:
        return put_in(sql, node);
    case FL_NODE_BETWEEN:
        return put_between(sql, node);
    case FL_NODE_LIKE:
        return put_like(sql, node);
    case FL_NODE_CASE:
        return put_case(sql, node);
    case FL_NODE_CAST:
        return put_cast(sql, node);
    case FL_NODE_CALL:
        return put_call(sql, node);
    }
    return false;
}
