/* Hashes of rows, and splits by them. See docs/hash-v1.md. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* strdup */
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/hash/encode.h"
#include "loader/sql/column.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Looks up the names as SQL does. */
static int find_columns(struct fl_sql *sql, struct fl_node *nodes, const char *const *columns,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *name = strdup(columns[i]);
        char fields[300];
        bool found;
        if (!name)
            return fl_fail(sql->error, ENOMEM, "no memory");
        /* Without a place in a text, so that the error is ours. */
        sql->text = columns[i];
        found = fl_sql_find_column(sql, &nodes[i], &name, 1);
        free(name);
        if (!found && sql->code == ENOMEM)
            return sql->code;
        if (!found) {
            fl_sql_list_fields(sql, fields, sizeof fields);
            return fl_fail(sql->error, EINVAL, "no field named `%.60s`; valid fields are %s",
                           columns[i], fields);
        }
    }
    return 0;
}

static int hash_rows(struct fl_sql *sql, const struct fl_node *nodes, size_t count,
                     uint64_t *hashes)
{
    const struct forkloader_table *table = sql->table;
    struct fl_bytes bytes = {0};
    bool fine = true;
    for (size_t i = 0; i < table->batch_count; i++) {
        for (size_t j = 0; j < sql->column_count; j++)
            fl_sql_column_bind(&sql->columns[j], &table->batches[i]);
        for (int64_t row = 0; fine && row < table->batches[i].length; row++) {
            struct fl_cell cell;
            bytes.length = 0;
            for (size_t j = 0; fine && j < count; j++) {
                fl_sql_column_read(&sql->columns[nodes[j].integer], row, &cell);
                fine = fl_hash_encode(&bytes, &cell);
            }
            if (fine)
                *hashes++ = XXH3_64bits(bytes.bytes, bytes.length);
        }
    }
    free(bytes.bytes);
    return fine ? 0 : fl_fail(sql->error, ENOMEM, "no memory to hash a row");
}

FL_PUBLIC int forkloader_table_hash(const struct forkloader_table *table,
                                    const char *const *columns, size_t column_count,
                                    uint64_t *hashes, struct forkloader_error *error)
{
    struct fl_sql sql = {.table = table, .error = error};
    struct fl_node *nodes;
    int code;
    if (!column_count)
        return fl_fail(error, EINVAL, "Hash strategy requires at least one column");
    nodes = calloc(column_count, sizeof *nodes);
    if (!nodes)
        return fl_fail(error, ENOMEM, "no memory for %zu columns", column_count);
    code = fl_type_read(&sql.type, &table->schema, error);
    if (!code)
        code = find_columns(&sql, nodes, columns, column_count);
    if (!code)
        code = hash_rows(&sql, nodes, column_count, hashes);
    for (size_t i = 0; i < sql.column_count; i++)
        fl_sql_column_free(&sql.columns[i]);
    free(sql.columns);
    fl_type_free(&sql.type);
    free(nodes);
    return code;
}

/* The place of a hash in [0, total): equal shares for all, without a division. */
static int64_t split_of(uint64_t hash, uint64_t total, const uint64_t *weights, size_t count)
{
    uint64_t place = (uint64_t)((unsigned __int128)hash * total >> 64);
    for (size_t i = 0; i < count; i++) {
        if (place < weights[i])
            return (int64_t)i;
        place -= weights[i];
    }
    return -1;
}

/* The sum; 0: an error, reported. */
static uint64_t check_weights(const uint64_t *weights, size_t count, uint64_t discard,
                              struct forkloader_error *error)
{
    uint64_t total = discard;
    if (!count) {
        fl_fail(error, EINVAL, "Hash strategy requires at least one split weight");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!weights[i]) {
            fl_fail(error, EINVAL, "Split weights must be greater than 0");
            return 0;
        }
        if (__builtin_add_overflow(total, weights[i], &total)) {
            fl_fail(error, EINVAL, "the split weights together are beyond 64 bits");
            return 0;
        }
    }
    return total;
}

FL_PUBLIC int64_t forkloader_hash_split(uint64_t hash, const uint64_t *weights, size_t count,
                                        uint64_t discard)
{
    uint64_t total = check_weights(weights, count, discard, NULL);
    return total ? split_of(hash, total, weights, count) : -1;
}

FL_PUBLIC int forkloader_hash_splits(const uint64_t *hashes, size_t rows, const uint64_t *weights,
                                     size_t count, uint64_t discard, int32_t *splits,
                                     struct forkloader_error *error)
{
    uint64_t total = check_weights(weights, count, discard, error);
    if (!total)
        return EINVAL;
    if (count > INT32_MAX)
        return fl_fail(error, EINVAL, "%zu splits, and %d is the most", count, INT32_MAX);
    for (size_t i = 0; i < rows; i++)
        splits[i] = (int32_t)split_of(hashes[i], total, weights, count);
    return 0;
}
