/*
 * Dates and times as counts of units: SQLite compares these far faster than their texts, and finds
 * the same. What is infinite as text is one unit before the first or after the last.
 *
 * See tree.h. SPDX-License-Identifier: Apache-2.0
 */
#include "loader/sql/tree.h"

enum { DAY = 86400, SECOND = 1000000000 };

static const struct fl_type *type_of(const struct fl_sql *sql, const struct fl_node *column)
{
    return fl_type_plain(sql->columns[column->integer].type);
}

static bool is_infinite(const struct fl_node *literal)
{
    return literal->types & FL_SQL_WHEN && !literal->is_moment;
}

/* The count of a literal; false: it lies between two. */
static bool count_of(const struct fl_node *literal, const struct fl_type *unit, __int128 *count)
{
    struct fl_cell_span span = fl_cell_span(unit);
    if (is_infinite(literal)) {
        *count = literal->text[0] == '-' ? span.first - 1 : span.last + 1;
        return true;
    }
    if (unit->meaning == FL_DATE) {
        *count = literal->integer / DAY;
        return true;
    }
    *count = (__int128)literal->integer * unit->per_second +
             literal->nanoseconds / (SECOND / unit->per_second);
    return literal->nanoseconds % (SECOND / unit->per_second) == 0;
}

static bool is_column(const struct fl_node *node)
{
    return node->kind == FL_NODE_COLUMN && node->types & FL_SQL_WHEN && !node->as_stamp;
}

/* Columns of one unit, literals that are whole numbers of them, and NULL: the unit, or NULL. */
static const struct fl_type *unit_of(const struct fl_sql *sql, const struct fl_node *comparison)
{
    const struct fl_type *unit = NULL;
    __int128 count;
    for (const struct fl_node *node = comparison->first; node; node = node->next) {
        if (node->kind == FL_NODE_NULL || node->kind == FL_NODE_TEXT)
            continue;
        if (!is_column(node))
            return NULL;
        const struct fl_type *type = type_of(sql, node);
        if (unit && (type->meaning != unit->meaning ||
                     (type->meaning != FL_DATE && type->per_second != unit->per_second)))
            return NULL;
        unit = type;
    }
    for (const struct fl_node *node = comparison->first; unit && node; node = node->next)
        if (node->kind == FL_NODE_TEXT && !count_of(node, unit, &count))
            return NULL;
    return unit;
}

void fl_sql_count_times(const struct fl_sql *sql, struct fl_node *comparison)
{
    const struct fl_type *unit = unit_of(sql, comparison);
    __int128 count;
    for (struct fl_node *node = comparison->first; unit && node; node = node->next) {
        node->as_count = node->kind == FL_NODE_COLUMN;
        if (node->kind != FL_NODE_TEXT)
            continue;
        (void)count_of(node, unit, &count);
        node->as_stamp = false; /* a date is its midnight */
        node->kind = FL_NODE_INT;
        node->integer = (int64_t)count;
        if (count >= INT64_MIN && count <= INT64_MAX)
            continue;
        node->kind = FL_NODE_REAL; /* less or greater than every count that the column can have */
        node->real = count < 0 ? -1e19 : 1e19;
    }
}
