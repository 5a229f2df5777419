/*
 * A ring under test: batches of rows of one table are put, got and looked at. For one file of a
 * program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_RINGS_H
#define TESTS_RINGS_H

#include "forkloader.h"
#include "loader/transport/ring.h"
#include "tests/unit/support/child.h"
#include "tests/unit/support/numbers.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 20000, SECONDS = 40 };

static _Thread_local struct forkloader_error error;
static struct forkloader_table *table;

static inline void ring_set_up(void)
{
    alarm(SECONDS);
    table = numbers_table(ROWS);
    cr_assert_not_null(table);
}

static inline void ring_tear_down(void)
{
    forkloader_table_free(table);
}

static inline struct forkloader_ring *ring_make(size_t lanes, size_t slots, uint64_t slot_bytes)
{
    struct forkloader_ring *ring;
    cr_assert_eq(forkloader_ring_new(&ring, lanes, slots, slot_bytes, &error), 0, "%s",
                 error.message);
    return ring;
}

/* Arrays of ours: rows [first, first + count) of the table. */
static inline void ring_take(uint64_t first, size_t count, struct ArrowArray *array,
                             struct ArrowSchema *schema)
{
    uint64_t *rows = malloc((count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = first + i;
    int code = forkloader_table_take(table, rows, count, NULL, 0, array, schema, NULL);
    free(rows);
    if (code != 0)
        abort();
}

/* What is no assertion can be called in a child, too. */
static inline int ring_put(struct forkloader_ring *ring, size_t lane, uint64_t sequence,
                           uint64_t first, size_t count, int milliseconds)
{
    struct forkloader_ring_batch batch = {
        .sequence = sequence, .kind = 7, .values = {first, count, ~first, 4}};
    struct ArrowArray array;
    struct ArrowSchema schema;
    ring_take(first, count, &array, &schema);
    int code = forkloader_ring_put(ring, lane, &batch, &array, &schema, milliseconds, &error);
    bool is_back = code == ETIMEDOUT || code == EINTR;
    if (!array.release != !is_back || !schema.release != !is_back)
        return -1;
    if (is_back) {
        array.release(&array);
        schema.release(&schema);
    }
    return code;
}

/* A batch that was got. */
struct got {
    struct forkloader_ring_batch batch;
    struct ArrowArray array;
    struct ArrowSchema schema;
};

static inline int ring_get(struct forkloader_ring *ring, size_t lane, uint64_t sequence,
                           int milliseconds, struct got *got)
{
    memset(got, 0x5a, sizeof *got);
    got->batch.sequence = sequence;
    int code = forkloader_ring_get(ring, lane, &got->batch, &got->array, &got->schema, milliseconds,
                                   &error);
    return code != 0 && (got->array.release || got->schema.release) ? -1 : code;
}

static inline bool ring_is_right(const struct got *got)
{
    const struct forkloader_ring_batch *batch = &got->batch;
    return batch->kind == 7 && batch->values[2] == ~batch->values[0] && batch->values[3] == 4 &&
           numbers_run(&got->array, batch->values[0], (size_t)batch->values[1]) &&
           strcmp(got->schema.children[0]->name, "n") == 0;
}

static inline void ring_let_go(struct got *got)
{
    got->array.release(&got->array);
    got->schema.release(&got->schema);
}

static inline bool ring_give(struct forkloader_ring *ring, size_t lane, uint64_t sequence)
{
    struct got got;
    if (ring_get(ring, lane, sequence, -1, &got) != 0)
        return false;
    bool right = ring_is_right(&got);
    ring_let_go(&got);
    return right;
}

static inline struct forkloader_ring_counts ring_counts_of(const struct forkloader_ring *ring,
                                                           size_t lane)
{
    struct forkloader_ring_counts counts;
    cr_assert_eq(forkloader_ring_count(ring, lane, &counts), 0);
    return counts;
}

/* One who waits at a ring, for ever. */
struct waiter {
    struct forkloader_ring *ring;
    bool is_writer;
    int code;
};

static inline void *ring_wait_on(void *of)
{
    struct waiter *waiter = of;
    struct got got;
    waiter->code = waiter->is_writer ? ring_put(waiter->ring, 0, 5, 0, 10, -1)
                                     : ring_get(waiter->ring, 0, 5, -1, &got);
    if (waiter->code == 0 && !waiter->is_writer)
        ring_let_go(&got);
    return NULL;
}

TestSuite(ring, .init = ring_set_up, .fini = ring_tear_down);

#endif
