/* See statement.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/sql/statement.h"

#include "loader/sql/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool put_bytes(struct fl_sql *sql, const char *text, size_t length)
{
    while (sql->written_length + length + 1 > sql->written_room) {
        char *grown = fl_sql_grow(sql, sql->written, sql->written_room, &sql->written_room, 1);
        if (!grown)
            return false;
        sql->written = grown;
    }
    memcpy(sql->written + sql->written_length, text, length);
    sql->written_length += length;
    sql->written[sql->written_length] = '\0';
    return true;
}

bool fl_sql_put(struct fl_sql *sql, const char *text)
{
    return put_bytes(sql, text, strlen(text));
}

bool fl_sql_put_text(struct fl_sql *sql, const struct fl_node *node)
{
    bool bytes = node->types == FL_SQL_BYTES;
    bool fine = fl_sql_put(sql, bytes ? "CAST('" : "'");
    for (size_t i = 0; fine && i < node->length; i++)
        fine = put_bytes(sql, node->text[i] == '\'' ? "''" : &node->text[i],
                         node->text[i] == '\'' ? 2 : 1);
    return fine && fl_sql_put(sql, bytes ? "' AS BLOB)" : "'");
}

bool fl_sql_put_integer(struct fl_sql *sql, const struct fl_node *node)
{
    char text[40];
    snprintf(text, sizeof text, node->types & FL_SQL_BIG ? "x'%016" PRIx64 "'" : "%" PRId64,
             (uint64_t)node->integer);
    return fl_sql_put(sql, text);
}

bool fl_sql_put_real(struct fl_sql *sql, const struct fl_node *node)
{
    char text[24];
    double *reals = fl_sql_grow(sql, sql->reals, sql->real_count, &sql->real_room, sizeof *reals);
    if (!reals)
        return false;
    sql->reals = reals;
    reals[sql->real_count++] = node->real;
    snprintf(text, sizeof text, "?%zu", sql->real_count);
    return fl_sql_put(sql, text);
}

bool fl_sql_put_column(struct fl_sql *sql, const struct fl_node *node, char variant)
{
    char text[64];
    snprintf(text, sizeof text, node->as_stamp ? "(%c%" PRId64 "||' 00:00:00')" : "%c%" PRId64,
             variant, node->integer);
    return fl_sql_put(sql, text);
}
