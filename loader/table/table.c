/* See table.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/table/table.h"

#include "loader/arrow/check.h"
#include "loader/base/error.h"
#include "loader/table/unify.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Fails with the stream's message for its last call, made one line. */
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
                   length ? said : "it gives no reason");
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
        code = fl_table_locate(made, error);
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
