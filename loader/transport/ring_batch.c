/* Batches of a ring: what is put into a slot, and got from it.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "loader/arrow/array.h"
#include "loader/base/error.h"
#include "loader/base/public.h"
#include "loader/transport/parcel.h"
#include "loader/transport/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A stream of one batch, which the caller made. */
struct alone {
    struct ArrowArray array;
    struct ArrowSchema schema;
};

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    struct alone *alone = stream->private_data;
    *schema = alone->schema;
    alone->schema.release = NULL;
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    struct alone *alone = stream->private_data;
    *array = alone->array;
    alone->array.release = NULL;
    return 0;
}

static void release_alone(struct ArrowArrayStream *stream)
{
    struct alone *alone = stream->private_data;
    if (alone->array.release)
        alone->array.release(&alone->array);
    if (alone->schema.release)
        alone->schema.release(&alone->schema);
    stream->release = NULL;
}

static int take_all(const struct forkloader_table *table, struct ArrowArray *array,
                    struct ArrowSchema *schema, struct forkloader_error *error)
{
    uint64_t count = forkloader_table_rows(table);
    uint64_t *rows = calloc((size_t)count + 1, sizeof *rows);
    if (!rows)
        return fl_fail(error, ENOMEM, "no memory for %llu rows", (unsigned long long)count);
    for (uint64_t i = 0; i < count; i++)
        rows[i] = i;
    int code = forkloader_table_take(table, rows, (size_t)count, NULL, 0, array, schema, error);
    free(rows);
    return code;
}

/* What others made is checked, and copied into an array of ours, whose bytes are known. */
static int make_ours(struct ArrowArray *array, struct ArrowSchema *schema,
                     struct forkloader_error *error)
{
    if (fl_array_is_ours(array))
        return 0;
    struct alone alone = {.array = *array, .schema = *schema};
    struct ArrowArrayStream stream = {.get_schema = get_schema,
                                      .get_next = get_next,
                                      .release = release_alone,
                                      .private_data = &alone};
    struct forkloader_table *table;
    array->release = NULL;
    schema->release = NULL;
    int code = forkloader_table_import(&table, &stream, error);
    if (code == 0) {
        code = take_all(table, array, schema, error);
        forkloader_table_free(table);
    }
    return code;
}

/* A slot of the lane with memory for so many bytes. */
static int begin(struct forkloader_ring *ring, size_t lane, uint64_t bytes, int milliseconds,
                 struct fl_ring_slot **slot, struct forkloader_error *error)
{
    int code = fl_ring_wait_free(ring, lane, milliseconds, slot, error);
    if (code != 0)
        return code;
    code = fl_ring_back(ring, *slot, bytes, error);
    if (code != 0)
        fl_ring_give_back(ring, lane, *slot);
    return code;
}

static void finish(struct forkloader_ring *ring, size_t lane, struct fl_ring_slot *slot,
                   const struct forkloader_ring_batch *batch, uint64_t bytes)
{
    struct fl_ring_lane *of = &ring->head->lane[lane];
    slot->batch = *batch;
    slot->batch.is_copy = 0;
    atomic_store(&slot->sequence, batch->sequence);
    atomic_fetch_add(&of->batches, 1);
    atomic_fetch_add(&of->bytes, bytes);
    fl_ring_ready(ring, lane, slot);
}

FL_PUBLIC int forkloader_ring_put(struct forkloader_ring *ring, size_t lane,
                                  const struct forkloader_ring_batch *batch,
                                  struct ArrowArray *array, struct ArrowSchema *schema,
                                  int milliseconds, struct forkloader_error *error)
{
    struct fl_ring_slot *slot;
    int code = make_ours(array, schema, error);
    if (code == 0) {
        struct fl_parcel_size size = fl_parcel_measure(array, schema);
        code = begin(ring, lane, size.bytes, milliseconds, &slot, error);
        if (code == 0) {
            fl_parcel_write(fl_ring_data(ring, slot), &size, array, schema);
            slot->is_parcel = true;
            finish(ring, lane, slot, batch, size.bytes);
        }
    }
    if (code == ETIMEDOUT || code == EINTR)
        return code; /* to be put again */
    if (array->release)
        array->release(array);
    if (schema->release)
        schema->release(schema);
    return code;
}

FL_PUBLIC int forkloader_ring_put_bytes(struct forkloader_ring *ring, size_t lane,
                                        const struct forkloader_ring_batch *batch,
                                        const void *const *parts, const size_t *sizes,
                                        size_t part_count, int milliseconds,
                                        struct forkloader_error *error)
{
    struct fl_ring_slot *slot;
    uint64_t bytes = 0, at = 0;
    for (size_t i = 0; i < part_count; i++)
        if (bytes > UINT64_MAX - FL_PARCEL_ALIGNMENT ||
            __builtin_add_overflow(fl_parcel_aligned(bytes), sizes[i], &bytes))
            return fl_fail(error, ENOSPC, "parts of more than 2^64 bytes");
    int code = begin(ring, lane, bytes, milliseconds, &slot, error);
    if (code != 0)
        return code;
    uint8_t *to = fl_ring_data(ring, slot);
    for (size_t i = 0; i < part_count; at += sizes[i], i++) {
        at = fl_parcel_aligned(at);
        if (sizes[i])
            memcpy(to + at, parts[i], sizes[i]);
    }
    slot->bytes = bytes;
    slot->is_parcel = false;
    finish(ring, lane, slot, batch, bytes);
    return 0;
}

/* A batch that was got: where its slot is, and whose it is to give back. */
struct held {
    struct forkloader_ring *ring;
    size_t lane;
    struct fl_ring_slot *slot;
    pid_t process;
};

/* The drop token. A forked child's copy must not give back what its parent holds. */
static void let_go(void *of)
{
    struct held *held = of;
    if (held->process == getpid())
        fl_ring_give_back(held->ring, held->lane, held->slot);
    fl_ring_drop(held->ring);
    free(held);
}

/* What was put as bytes, as uint8. */
static int read_bytes(uint8_t *memory, uint64_t bytes, bool copy, struct ArrowArray *array,
                      struct ArrowSchema *schema)
{
    static const struct ArrowSchema UINT8 = {.format = "C", .name = ""};
    int code = fl_schema_copy(schema, &UINT8, NULL, 0);
    if (code == 0)
        code = fl_array_make(array, (int64_t)bytes, 2, 0, false);
    if (code == 0 && copy) {
        void *buffer = fl_array_buffer(array, 1, bytes);
        if (buffer)
            memcpy(buffer, memory, bytes);
        code = buffer ? 0 : ENOMEM;
    } else if (code == 0) {
        fl_array_lend_buffer(array, 1, memory, bytes);
    }
    return code;
}

/* Each node of the array keeps the slot, as each may be released by itself. */
static int share(const struct held *held, struct ArrowArray *array)
{
    struct held *kept = malloc(sizeof *kept);
    struct fl_shared *shared = kept ? fl_shared_new(array) : NULL;
    if (!shared) {
        free(kept);
        return ENOMEM;
    }
    int code = fl_shared_array(shared, array);
    if (code == 0) {
        *kept = *held;
        atomic_fetch_add(&held->ring->owners, 1);
        fl_shared_on_drop(shared, let_go, kept);
    } else {
        free(kept);
    }
    fl_shared_drop(shared);
    return code;
}

FL_PUBLIC int forkloader_ring_get(struct forkloader_ring *ring, size_t lane,
                                  struct forkloader_ring_batch *batch, struct ArrowArray *array,
                                  struct ArrowSchema *schema, int milliseconds,
                                  struct forkloader_error *error)
{
    struct held held = {.ring = ring, .lane = lane, .process = getpid()};
    array->release = NULL;
    schema->release = NULL;
    int code = fl_ring_wait_ready(ring, lane, batch->sequence, milliseconds, &held.slot, error);
    if (code != 0)
        return code;
    uint8_t *memory = fl_ring_data(ring, held.slot);
    bool copy = fl_ring_all_held(ring, lane);
    *batch = held.slot->batch;
    batch->is_copy = copy;
    code = held.slot->is_parcel ? fl_parcel_read(memory, copy, array, schema)
                                : read_bytes(memory, held.slot->bytes, copy, array, schema);
    if (code == 0 && !copy)
        code = share(&held, array);
    if (copy)
        atomic_fetch_add(&ring->head->lane[lane].copies, 1);
    if (code == 0 && !copy)
        return 0;
    fl_ring_give_back(ring, lane, held.slot);
    if (code == 0)
        return 0;
    if (array->release)
        array->release(array);
    if (schema->release)
        schema->release(schema);
    return fl_fail(error, code, "no memory for a batch");
}
