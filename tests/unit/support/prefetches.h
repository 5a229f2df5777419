/*
 * A prefetch under test: takes that are known by their number. For one file of a program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_PREFETCHES_H
#define TESTS_PREFETCHES_H

#include "forkloader.h"
#include "tests/unit/support/child.h"
#include "tests/unit/support/numbers.h"

#include <criterion/criterion.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif
enum { ROWS = 50000, SECONDS = 40 };

static _Thread_local struct forkloader_error error;
static struct forkloader_table *table;

/* What hangs ends, in children as well. */
static inline void prefetch_set_up(void)
{
    alarm(SECONDS);
    table = numbers_table(ROWS);
    cr_assert_not_null(table);
}

static inline void prefetch_tear_down(void)
{
    forkloader_table_free(table);
}

static inline struct forkloader_prefetch *prefetch_make(size_t threads, uint64_t most_bytes)
{
    struct forkloader_prefetch *prefetch;
    cr_assert_eq(forkloader_prefetch_new(&prefetch, threads, most_bytes, &error), 0, "%s",
                 error.message);
    return prefetch;
}

/* Take number `number` is of so many rows, from there on, wherever that is. */
static inline size_t rows_of(uint64_t number, uint64_t *rows)
{
    size_t count = 50 + number % 7 * 100;
    for (size_t i = 0; i < count; i++)
        rows[i] = (number * 7919 + i * i) % ROWS;
    return count;
}

static inline int ask(struct forkloader_prefetch *prefetch, uint64_t number)
{
    uint64_t rows[700];
    size_t count = rows_of(number, rows);
    return forkloader_prefetch_submit(prefetch, table, rows, count, NULL, 0, NULL);
}

/* Is the next one that take? What is no assertion can be called in a child. */
static inline bool gives(struct forkloader_prefetch *prefetch, uint64_t number)
{
    uint64_t rows[700];
    size_t count = rows_of(number, rows);
    struct ArrowArray array;
    struct ArrowSchema schema;
    if (forkloader_prefetch_next(prefetch, &array, &schema, NULL) != 0)
        return false;
    bool right = numbers_are(&array, rows, count) && strcmp(schema.children[0]->name, "n") == 0;
    array.release(&array);
    schema.release(&schema);
    return right;
}

static inline int next_code(struct forkloader_prefetch *prefetch)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    int code = forkloader_prefetch_next(prefetch, &array, &schema, &error);
    if (array.release)
        array.release(&array);
    if (schema.release)
        schema.release(&schema);
    return code;
}

static inline struct forkloader_prefetch_counts counts_of(struct forkloader_prefetch *prefetch)
{
    struct forkloader_prefetch_counts counts;
    forkloader_prefetch_count(prefetch, &counts);
    return counts;
}

/* A sanitizer has locks of its own, which a fork does not wait for. They are held by threads that
   begin, among others. */
static inline void let_begin(void)
{
    if (IS_SANITIZED)
        rest(50000);
}

/* Until so many are done. */
static inline void wait_done(struct forkloader_prefetch *prefetch, uint64_t done)
{
    while (counts_of(prefetch).done < done)
        rest(100);
}

static inline int task_count(void)
{
    return folder_size("/proc/self/task");
}

/* Rows to take for milliseconds. */
static inline const uint64_t *many_rows(size_t count)
{
    static uint64_t rows[500000];
    cr_assert_leq(count, 500000);
    for (size_t i = 0; i < count; i++)
        rows[i] = i * 7919 % ROWS;
    return rows;
}

/* All that is outstanding comes in the child, once, and more can be asked for. */
static inline void live_on_in_child(struct forkloader_prefetch *prefetch, uint64_t first,
                                    uint64_t end)
{
    alarm(SECONDS);
    WANT(task_count() == 1);
    while (first < end)
        WANT(gives(prefetch, first++));
    struct ArrowArray array;
    struct ArrowSchema schema;
    WANT(forkloader_prefetch_next(prefetch, &array, &schema, NULL) == ENOENT);
    for (uint64_t number = 0; number < 10; number++)
        WANT(ask(prefetch, number) == 0);
    for (uint64_t number = 0; number < 10; number++)
        WANT(gives(prefetch, number));
    forkloader_prefetch_free(prefetch);
    _exit(0);
}

TestSuite(prefetch, .init = prefetch_set_up, .fini = prefetch_tear_down);

#endif
