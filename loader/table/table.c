/* See table.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/table/table.h"

#include "loader/arrow/check.h"
#include "loader/base/error.h"
#include "loader/table/unify.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Fails by what the stream says of its last call; its line ends where a line must. */
static int stream_failed(struct ArrowArrayStream *stream, int code, const char *call,
                         struct forkloader_error *error)
{
    char said[384];
    const char *last = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    size_t length = 0;
    for (; last && *last && length < sizeof said - 1; last++, length++)
        said[length] = (char)((unsigned char)*last < 0x20 || *last == 0x7f ? ' ' : *last);
    said[length] = '\0';
    code = code > 0 ? code : EIO;
    return fl_fail(error, code, "the stream's %s failed with %d: %s", call, code,
                   length ? said : "it does not say why");
}

static int read_schema(struct forkloader_table *table, struct ArrowArrayStream *stream,
                       struct forkloader_error *error)
{
    if (!stream->get_schema || !stream->get_next)
        return fl_fail(error, EINVAL, "the stream has no %s",
                       stream->get_schema ? "get_next" : "get_schema");
    int code = stream->get_schema(stream, &table->schema);
    if (code != 0) {
        table->schema.release = NULL;
        return stream_failed(stream, code, "get_schema", error);
    }
    if (!table->schema.release)
        return fl_fail(error, EINVAL, "the stream's schema is released");
    code = fl_field_new(&table->root, &table->schema, error);
    if (code == 0 && (table->root->class != FL_CLASS_STRUCT))
        code = fl_fail(error, EINVAL, "the stream's schema has format %s: it must be a struct",
                       fl_format_text(table->schema.format).text);
    return code;
}

/* Room for one batch more; false: no memory. */
static bool grow(struct forkloader_table *table, size_t *room)
{
    if (table->batches && table->batch_count < *room)
        return true;
    size_t more = *room ? *room * 2 : 16;
    struct ArrowArray *batches =
        more <= UINT32_MAX ? realloc(table->batches, more * sizeof *batches) : NULL;
    if (!batches)
        return false;
    table->batches = batches;
    *room = more;
    return true;
}

static int read_batches(struct forkloader_table *table, struct ArrowArrayStream *stream,
                        struct forkloader_error *error)
{
    size_t room = 0;
    for (;;) {
        if (!grow(table, &room))
            return fl_fail(error, ENOMEM, "no memory for more than %zu batches", room);
        struct ArrowArray *batch = &table->batches[table->batch_count];
        memset(batch, 0, sizeof *batch);
        int code = stream->get_next(stream, batch);
        if (code != 0)
            return stream_failed(stream, code, "get_next", error);
        if (!batch->release)
            return 0;
        table->batch_count++;
        code = fl_check(table->root, batch, table->batch_count - 1, error);
        if (code != 0)
            return code;
    }
}

static int find_starts(struct forkloader_table *table, struct forkloader_error *error)
{
    uint64_t row = 0;
    table->starts = calloc(table->batch_count + 1, sizeof *table->starts);
    if (!table->starts)
        return fl_fail(error, ENOMEM, "no memory for %zu batches", table->batch_count);
    for (size_t i = 0; i < table->batch_count; i++) {
        table->starts[i] = row;
        if (__builtin_add_overflow(row, (uint64_t)table->batches[i].length, &row))
            return fl_fail(error, EOVERFLOW, "batch %zu: more than 2^64 rows", i);
    }
    table->starts[table->batch_count] = row;
    return 0;
}

/* Whether all batches but the last have the rows of the first, a power of two; the last, no more.
 */
static bool is_equal(const struct forkloader_table *table)
{
    uint64_t first = table->batch_count ? table->starts[1] : 0;
    if (!first || first & (first - 1))
        return false;
    for (size_t i = 1; i < table->batch_count; i++)
        if (table->starts[i] != i * first)
            return false;
    return table->starts[table->batch_count] <= table->batch_count * first;
}

static int make_guesses(struct forkloader_table *table, struct forkloader_error *error)
{
    uint64_t rows = table->starts[table->batch_count];
    table->equal = is_equal(table);
    while (table->equal ? (uint64_t)1 << table->shift < table->starts[1]
                        : rows >> table->shift > 4 * (uint64_t)table->batch_count)
        table->shift++;
    if (table->equal)
        return 0;
    size_t count = (size_t)(rows >> table->shift) + 2, batch = 0;
    table->guesses = malloc(count * sizeof *table->guesses);
    if (!table->guesses)
        return fl_fail(error, ENOMEM, "no memory for %zu batches", table->batch_count);
    for (size_t i = 0; i < count; i++) {
        uint64_t row = i + 1 < count ? (uint64_t)i << table->shift : rows;
        while (batch + 1 < table->batch_count && table->starts[batch + 1] <= row)
            batch++;
        table->guesses[i] = (uint32_t)batch;
    }
    return 0;
}

/* Batches of about one size leave two to choose from, and random rows would have a branch guessed
   wrong every other time. */
static inline size_t batch_of(const struct forkloader_table *table, uint64_t row)
{
    if (table->equal)
        return (size_t)(row >> table->shift);
    const uint32_t *guess = &table->guesses[row >> table->shift];
    size_t low = guess[0], high = guess[1];
    low += table->starts[low + 1] <= row;
    if (table->starts[low + 1] > row)
        return low;
    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        if (table->starts[middle] <= row)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

size_t fl_table_batch_of(const struct forkloader_table *table, uint64_t row)
{
    return batch_of(table, row);
}

void fl_table_find(const struct forkloader_table *table, const uint64_t *rows, size_t count,
                   int64_t *index, uint32_t *batch)
{
    const struct forkloader_table kept = *table; /* what is written might be the table's own */
    for (size_t i = 0; i < count; i++) {
        size_t found = batch_of(&kept, rows[i]);
        index[i] = (int64_t)(rows[i] - kept.starts[found]);
        batch[i] = (uint32_t)found;
    }
}

FL_PUBLIC int forkloader_table_import(struct forkloader_table **table,
                                      struct ArrowArrayStream *stream,
                                      struct forkloader_error *error)
{
    *table = NULL;
    if (!stream->release)
        return fl_fail(error, EINVAL, "the stream is released already");
    struct forkloader_table *made = calloc(1, sizeof *made);
    if (!made) {
        stream->release(stream);
        return fl_fail(error, ENOMEM, "no memory for a table");
    }
    atomic_init(&made->owners, 1);
    made->importer = getpid();
    int code = read_schema(made, stream, error);
    if (code == 0)
        code = read_batches(made, stream, error);
    stream->release(stream);
    if (code == 0)
        code = find_starts(made, error);
    if (code == 0)
        code = make_guesses(made, error);
    if (code == 0 && fl_field_lay_out(made->root, made->batches, made->batch_count) != 0)
        code = fl_fail(error, ENOMEM, "no memory for %zu batches", made->batch_count);
    if (code == 0)
        code = fl_unify(made->root, error);
    if (code != 0) {
        forkloader_table_free(made);
        return code;
    }
    *table = made;
    return 0;
}

struct forkloader_table *fl_table_keep(struct forkloader_table *table)
{
    atomic_fetch_add_explicit(&table->owners, 1, memory_order_relaxed);
    return table;
}

FL_PUBLIC void forkloader_table_free(struct forkloader_table *table)
{
    if (!table || atomic_fetch_sub_explicit(&table->owners, 1, memory_order_acq_rel) != 1)
        return;
    bool ours = table->importer == getpid();
    fl_field_free(table->root);
    for (size_t i = 0; ours && i < table->batch_count; i++)
        if (table->batches[i].release)
            table->batches[i].release(&table->batches[i]);
    if (ours && table->schema.release)
        table->schema.release(&table->schema);
    free(table->batches);
    free(table->starts);
    free(table->guesses);
    free(table);
}

FL_PUBLIC uint64_t forkloader_table_rows(const struct forkloader_table *table)
{
    return table->starts[table->batch_count];
}

FL_PUBLIC const struct ArrowSchema *forkloader_table_schema(const struct forkloader_table *table)
{
    return &table->schema;
}

static const struct fl_field *find(const struct fl_field *parent, const char *name)
{
    for (size_t i = 0; i < parent->child_count; i++)
        if (strcmp(parent->children[i].name, name) == 0)
            return &parent->children[i];
    for (size_t i = 0; i < parent->child_count; i++) {
        const struct fl_field *child = &parent->children[i], *found = NULL;
        size_t length = strlen(child->name);
        if (child->class == FL_CLASS_STRUCT && strncmp(name, child->name, length) == 0 &&
            name[length] == '.')
            found = find(child, name + length + 1);
        if (found)
            return found;
    }
    return NULL;
}

/* The field that is sought or has the number that is wanted; fields of structs are numbered from
 *number on, which is that of the one found. */
static const struct fl_field *count_to(const struct fl_field *parent, int *number, int wanted,
                                       const struct fl_field *sought)
{
    for (size_t i = 0; i < parent->child_count; i++) {
        const struct fl_field *child = &parent->children[i], *found = NULL;
        if (parent->parent) {
            if (child == sought || *number == wanted)
                return child;
            ++*number;
        }
        if (child->class == FL_CLASS_STRUCT)
            found = count_to(child, number, wanted, sought);
        if (found)
            return found;
    }
    return NULL;
}

int fl_table_column(const struct forkloader_table *table, const char *name)
{
    const struct fl_field *root = table->root, *found = find(root, name);
    int number = (int)root->child_count;
    if (!found)
        return -1;
    if (found->parent == root)
        return (int)(found - root->children);
    (void)count_to(root, &number, -1, found);
    return number;
}

const struct fl_field *fl_table_field(const struct forkloader_table *table, int number)
{
    const struct fl_field *root = table->root;
    int at = (int)root->child_count;
    if (number < at)
        return number < 0 ? NULL : &root->children[number];
    return count_to(root, &at, number, NULL);
}
