/* Which types fit together. See tree.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/error.h"
#include "loader/sql/tree.h"

#include <stdlib.h>

static const char *says(unsigned types)
{
    static const struct {
        unsigned types;
        const char *text;
    } NAMES[] = {
        {FL_SQL_OTHER, "a list, map, struct or the like"},
        {FL_SQL_BOOL, "a condition"},
        {FL_SQL_NUMBER, "a number"},
        {FL_SQL_TEXT, "text"},
        {FL_SQL_BYTES, "binary"},
        {FL_SQL_DATE, "a date"},
        {FL_SQL_STAMP, "a timestamp"},
        {FL_SQL_TIME, "a time"},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (types & NAMES[i].types)
            return NAMES[i].text;
    return "NULL";
}

/* Every type that the node may have must be one of these. */
static bool needs(struct fl_sql *sql, const struct fl_node *node, unsigned types, const char *who,
                  const char *what)
{
    unsigned bad = node->types & FL_SQL_TYPES & ~types;
    return !bad || fl_sql_fail(sql, node->at, "%s needs %s, and this is %s", who, what, says(bad));
}

bool fl_sql_check_condition(struct fl_sql *sql, const struct fl_node *node, const char *what)
{
    return needs(sql, node, FL_SQL_BOOL, what, "a condition");
}

/* Types that compare with each other: numbers and conditions, dates and timestamps. */
static unsigned comparable(unsigned types)
{
    unsigned with = types & FL_SQL_TYPES;
    if (types & (FL_SQL_NUMBER | FL_SQL_BOOL))
        with |= FL_SQL_NUMBER | FL_SQL_BOOL;
    if (types & (FL_SQL_DATE | FL_SQL_STAMP))
        with |= FL_SQL_DATE | FL_SQL_STAMP;
    return with;
}

/* Text literals become what they are compared with: dates, timestamps, times or binary. */
static bool adapt(struct fl_sql *sql, struct fl_node **nodes, size_t count, unsigned others)
{
    unsigned when = others & FL_SQL_WHEN;
    bool stamps = when & FL_SQL_STAMP;
    for (size_t i = 0; i < count && when == FL_SQL_DATE; i++)
        stamps |= nodes[i]->kind == FL_NODE_TEXT && fl_sql_has_clock(nodes[i]);
    for (size_t i = 0; i < count; i++) {
        struct fl_node *node = nodes[i];
        if (node->kind == FL_NODE_TEXT && node->types == FL_SQL_TEXT && !(others & FL_SQL_TEXT)) {
            unsigned type = when & FL_SQL_TIME ? FL_SQL_TIME : stamps ? FL_SQL_STAMP : FL_SQL_DATE;
            if (when && !fl_sql_read_time(node, type))
                return fl_sql_fail(sql, node->at, "`%.60s` is compared with %s, and is not one",
                                   node->text, says(when));
            if (others & FL_SQL_BYTES)
                node->types = FL_SQL_BYTES;
        }
        node->as_stamp = stamps && node->types == FL_SQL_DATE;
    }
    return true;
}

static bool unify(struct fl_sql *sql, struct fl_node **nodes, size_t count, bool compare)
{
    unsigned others = 0, all = 0;
    for (size_t i = 0; i < count; i++)
        if (nodes[i]->kind != FL_NODE_TEXT || nodes[i]->types != FL_SQL_TEXT)
            others |= nodes[i]->types;
    if (others && !adapt(sql, nodes, count, others))
        return false;
    for (size_t i = 0; i < count; i++) {
        unsigned types = nodes[i]->types;
        if (compare && types & FL_SQL_OTHER)
            return fl_sql_fail(sql, nodes[i]->at, "this is %s: only IS [NOT] NULL takes one",
                               says(types));
        if (compare && types && all && !(comparable(all) & types & FL_SQL_TYPES))
            return fl_sql_fail(sql, nodes[i]->at, "this is %s, and is compared with %s",
                               says(types), says(all));
        all |= types;
    }
    if (all & FL_SQL_ODD && all & FL_SQL_BYTES)
        return fl_sql_fail(sql, nodes[0]->at, "numbers and binary do not come together");
    return true;
}

/* All children, or from `first` on every `step`th. */
static bool unify_children(struct fl_sql *sql, const struct fl_node *parent, size_t first,
                           size_t step, bool compare)
{
    struct fl_node **nodes = calloc(parent->count, sizeof(void *));
    size_t count = 0, i = 0;
    bool fine;
    if (!nodes)
        return fl_sql_no_memory(sql);
    for (struct fl_node *node = parent->first; node; node = node->next, i++)
        if (i >= first && (i - first) % step == 0)
            nodes[count++] = node;
    fine = unify(sql, nodes, count, compare);
    free(nodes);
    return fine;
}

static unsigned union_of(const struct fl_node *parent)
{
    unsigned types = 0;
    for (const struct fl_node *node = parent->first; node; node = node->next)
        types |= node->as_stamp ? FL_SQL_STAMP : node->types;
    return types;
}

/* Children: [operand] (when then)* [else]. */
static bool check_case(struct fl_sql *sql, struct fl_node *node)
{
    size_t i = 0, ends = node->count - node->otherwise;
    struct fl_node **nodes = calloc(2 * node->count, sizeof(void *));
    size_t when_count = 0, then_count = 0;
    bool fine = true;
    if (!nodes)
        return fl_sql_no_memory(sql);
    for (struct fl_node *child = node->first; child; child = child->next, i++) {
        bool then = i >= ends || (!node->operand || i > 0 ? (i - node->operand) % 2 == 1 : false);
        if (then)
            nodes[node->count + then_count++] = child;
        else if (node->operand)
            nodes[when_count++] = child;
        else
            fine = fine && fl_sql_check_condition(sql, child, "WHEN");
    }
    fine = fine && unify(sql, nodes, when_count, true) &&
           unify(sql, nodes + node->count, then_count, false);
    for (i = 0; i < then_count; i++) {
        const struct fl_node *child = nodes[node->count + i];
        node->types |= child->as_stamp ? FL_SQL_STAMP : child->types;
    }
    free(nodes);
    return fine && (!(node->types & FL_SQL_OTHER) ||
                    fl_sql_fail(sql, node->at, "CASE gives no lists, maps or structs"));
}

static bool check_call(struct fl_sql *sql, struct fl_node *node)
{
    const struct fl_sql_function *function = node->function;
    size_t i = 0;
    if (node->count < function->least || node->count > function->most)
        return fl_sql_fail(sql, node->at, "%s takes %u to %u arguments, and here are %zu",
                           function->name, function->least, function->most, node->count);
    for (const struct fl_node *child = node->first; child; child = child->next, i++) {
        unsigned takes = i && function->rest ? function->rest : function->takes;
        if (!needs(sql, child, takes, function->name,
                   takes & FL_SQL_BOOL   ? "a value"
                   : takes & FL_SQL_TEXT ? "text"
                                         : "a number"))
            return false;
    }
    if (!function->result && node->count > 1 &&
        !unify_children(sql, node, 0, 1, function->written[0] == 'n'))
        return false;
    node->types = function->result ? function->result : union_of(node);
    if (function->written[0] == 'f' && !function->result) /* where there is no result, NULL */
        node->types &= ~(unsigned)FL_SQL_NAN;
    return true;
}

static bool check_arithmetic(struct fl_sql *sql, struct fl_node *node)
{
    unsigned types = 0;
    char who[8] = {'`', node->word[0], '`'};
    for (const struct fl_node *child = node->first; child; child = child->next) {
        if (!needs(sql, child, FL_SQL_NUMBER, who, "numbers"))
            return false;
        types |= child->types;
    }
    node->types = types & FL_SQL_REAL ? FL_SQL_REAL : FL_SQL_INT;
    node->types |= types & FL_SQL_BIG;
    return true;
}

static bool check_negate(struct fl_sql *sql, struct fl_node *node)
{
    struct fl_node *child = node->first;
    if (!needs(sql, child, FL_SQL_NUMBER, "`-`", "a number"))
        return false;
    node->types = child->types & ~(unsigned)FL_SQL_NAN;
    if (child->kind == FL_NODE_REAL) {
        node->kind = FL_NODE_REAL;
        node->real = -child->real;
    } else if (child->kind == FL_NODE_INT && (child->integer >= 0 || child->types & FL_SQL_BIG) &&
               (uint64_t)child->integer <= (uint64_t)1 << 63) {
        node->kind = FL_NODE_INT;
        node->integer = (int64_t)(0 - (uint64_t)child->integer);
        node->types = FL_SQL_INT;
    }
    return true;
}

static bool check_logic(struct fl_sql *sql, const struct fl_node *node, const char *who)
{
    for (const struct fl_node *child = node->first; child; child = child->next)
        if (!fl_sql_check_condition(sql, child, who))
            return false;
    return true;
}

static bool check_cast(struct fl_sql *sql, struct fl_node *node)
{
    unsigned from = FL_SQL_NUMBER | FL_SQL_TEXT | FL_SQL_BOOL;
    if (node->integer == FL_SQL_TEXT)
        from |= FL_SQL_WHEN;
    node->types = (unsigned)node->integer;
    if (node->integer == FL_SQL_INT && node->first->types & (FL_SQL_BIG | FL_SQL_TEXT))
        node->types |= FL_SQL_BIG;
    if (node->integer == FL_SQL_REAL)
        node->types |= FL_SQL_NAN;
    return needs(sql, node->first, from, "CAST to this type", "a number, text or a condition");
}

static bool check_texts(struct fl_sql *sql, const struct fl_node *node, const char *who)
{
    for (const struct fl_node *child = node->first; child; child = child->next)
        if (!needs(sql, child, FL_SQL_TEXT, who, "text"))
            return false;
    return true;
}

static bool check_concat(struct fl_sql *sql, const struct fl_node *node)
{
    for (const struct fl_node *child = node->first; child; child = child->next)
        if (!needs(sql, child, FL_SQL_TYPES & ~(FL_SQL_OTHER | FL_SQL_BYTES), "`||`", "text"))
            return false;
    return true;
}

static bool check_comparison(struct fl_sql *sql, struct fl_node *node)
{
    if (!unify_children(sql, node, 0, 1, true))
        return false;
    fl_sql_count_times(sql, node);
    return true;
}

bool fl_sql_check(struct fl_sql *sql, struct fl_node *node)
{
    switch (node->kind) {
    case FL_NODE_CASE:
        return check_case(sql, node);
    case FL_NODE_CALL:
        return check_call(sql, node);
    case FL_NODE_CAST:
        return check_cast(sql, node);
    case FL_NODE_NEGATE:
        return check_negate(sql, node);
    case FL_NODE_ARITHMETIC:
        return check_arithmetic(sql, node);
    case FL_NODE_CONCAT:
        node->types = FL_SQL_TEXT;
        return check_concat(sql, node);
    default:
        node->types = FL_SQL_BOOL;
    }
    switch (node->kind) {
    case FL_NODE_AND:
        return check_logic(sql, node, "AND");
    case FL_NODE_OR:
        return check_logic(sql, node, "OR");
    case FL_NODE_NOT:
        return check_logic(sql, node, "NOT");
    case FL_NODE_LIKE:
        return check_texts(sql, node, "LIKE");
    case FL_NODE_IS:
        fl_sql_count_times(sql, node);
        return node->word[0] == 'N' || check_logic(sql, node, "IS");
    case FL_NODE_IN:
        if (node->count < 2)
            return fl_sql_fail(sql, node->at, "IN needs at least one value");
        return check_comparison(sql, node);
    default:
        return check_comparison(sql, node);
    }
}
