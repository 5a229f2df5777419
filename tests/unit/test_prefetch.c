/* Tests of loader/transport/prefetch.c. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/prefetches.h"

#include <errno.h>

Test(prefetch, batches_come_in_their_order)
{
    static const size_t THREADS[] = {0, 1, 4};
    for (int i = 0; i < 3; i++) {
        struct forkloader_prefetch *prefetch = prefetch_make(THREADS[i], 1 << 20);
        cr_expect_eq(next_code(prefetch), ENOENT);
        cr_expect(strstr(error.message, "no take was submitted"));
        for (uint64_t number = 0; number < 500; number++) {
            cr_assert_eq(ask(prefetch, number), 0);
            if (number >= 100)
                cr_assert(gives(prefetch, number - 100), "%lu", (unsigned long)number);
        }
        for (uint64_t number = 400; number < 500; number++)
            cr_assert(gives(prefetch, number));
        struct forkloader_prefetch_counts counts = counts_of(prefetch);
        cr_expect(counts.submitted == 500 && counts.done == 500 && counts.given == 500);
        cr_expect_eq(counts.bytes, counts.rows * 8);
        cr_expect_eq(counts.bytes_ahead, 0);
        cr_expect_eq(next_code(prefetch), ENOENT);
        forkloader_prefetch_free(prefetch);
    }
}

Test(prefetch, an_error_is_that_of_its_own_batch)
{
    for (size_t threads = 0; threads < 3; threads += 2) {
        struct forkloader_prefetch *prefetch = prefetch_make(threads, 1 << 20);
        const uint64_t wrong = ROWS;
        const int column = 7, columns[] = {0, 0};
        cr_assert_eq(ask(prefetch, 1), 0);
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, &wrong, 1, NULL, 0, &error), 0);
        cr_assert_eq(ask(prefetch, 2), 0);
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, NULL, 0, &column, 1, &error), 0);
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, NULL, 0, columns, 2, &error), 0);
        cr_expect(gives(prefetch, 1));
        cr_expect_eq(next_code(prefetch), EINVAL);
        cr_expect(strstr(error.message, "row 50000 (at 0) is out of range"), "%s", error.message);
        cr_expect(gives(prefetch, 2));
        cr_expect_eq(next_code(prefetch), EINVAL);
        cr_expect(strstr(error.message, "column 7 is out of range"), "%s", error.message);
        cr_expect_eq(next_code(prefetch), 0);
        cr_expect_eq(counts_of(prefetch).given, 5);
        forkloader_prefetch_free(prefetch);
    }
}

Test(prefetch, what_cannot_be_asked_for)
{
    struct forkloader_prefetch *prefetch, *none;
    const uint64_t row = 0;
    cr_expect_eq(forkloader_prefetch_new(&none, 257, 0, &error), EINVAL);
    cr_expect_null(none);
    cr_expect(strstr(error.message, "257"));
    prefetch = prefetch_make(0, 0);
    for (size_t less = 0; less < 100; less += 33) /* sizes that are small again, modulo 2^64 */
        cr_expect_eq(
            forkloader_prefetch_submit(prefetch, table, &row, SIZE_MAX / 8 - less, NULL, 0, &error),
            ENOMEM);
    cr_expect_eq(forkloader_prefetch_submit(prefetch, table, &row, 1, (const int *)&row,
                                            SIZE_MAX / 4, &error),
                 ENOMEM);
    cr_expect(ask(prefetch, 3) == 0 && gives(prefetch, 3));
    forkloader_prefetch_free(prefetch);
}

static int ask_for(struct forkloader_prefetch *prefetch, size_t count)
{
    uint64_t rows[1000];
    for (size_t i = 0; i < count; i++)
        rows[i] = i;
    return forkloader_prefetch_submit(prefetch, table, rows, count, NULL, 0, NULL);
}

Test(prefetch, bytes_ahead_keep_to_their_bound)
{
    struct forkloader_prefetch *prefetch = prefetch_make(4, 3 * 8000);
    cr_assert_eq(ask_for(prefetch, 1000), 0);
    cr_assert_eq(next_code(prefetch), 0); /* from now on it knows how long they are */
    for (int i = 0; i < 100; i++)
        cr_assert_eq(ask_for(prefetch, 1000), 0);
    for (int i = 0; i < 100; i++) {
        uint64_t wanted = (uint64_t)(i < 98 ? i + 4 : 101);
        wait_done(prefetch, wanted);
        for (int look = 0; look < 3; look++, rest(100)) {
            struct forkloader_prefetch_counts counts = counts_of(prefetch);
            cr_assert_leq(counts.bytes_ahead, 3 * 8000);
            cr_assert_eq(counts.done, wanted);
        }
        cr_assert_eq(next_code(prefetch), 0);
    }
    cr_expect_eq(counts_of(prefetch).bytes_ahead, 0);
    forkloader_prefetch_free(prefetch);
}

Test(prefetch, one_batch_may_always_be_ahead)
{
    struct forkloader_prefetch *prefetch = prefetch_make(2, 1);
    cr_assert_eq(ask_for(prefetch, 1000), 0);
    wait_done(prefetch, 1);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(ask_for(prefetch, 1000), 0);
    for (uint64_t i = 0; i < 20; i++) {
        wait_done(prefetch, i + 1);
        rest(500);
        cr_expect_eq(counts_of(prefetch).done, i + 1);
        cr_assert_eq(next_code(prefetch), 0);
    }
    forkloader_prefetch_free(prefetch);
}

Test(prefetch, what_is_cancelled_is_not_given)
{
    static const size_t THREADS[] = {0, 1, 4};
    for (int i = 0; i < 3; i++) {
        struct forkloader_prefetch *prefetch = prefetch_make(THREADS[i], 1 << 16);
        for (uint64_t round = 0; round < 200; round++) {
            for (uint64_t number = 0; number < 8; number++)
                cr_assert_eq(ask(prefetch, number), 0);
            for (uint64_t number = 0; number < round % 4; number++)
                cr_assert(gives(prefetch, number));
            forkloader_prefetch_cancel(prefetch);
            cr_assert_eq(counts_of(prefetch).bytes_ahead, 0);
            cr_assert_eq(next_code(prefetch), ENOENT);
        }
        cr_expect(ask(prefetch, 9) == 0 && gives(prefetch, 9));
        cr_expect_eq(counts_of(prefetch).given, 301);
        forkloader_prefetch_free(prefetch);
    }
}

Test(prefetch, a_table_may_be_freed_before_its_takes_are_given)
{
    for (size_t threads = 0; threads < 5; threads += 4) {
        struct forkloader_prefetch *prefetch = prefetch_make(threads, 5000);
        int released = atomic_load(&numbers_arrays_released);
        for (uint64_t number = 0; number < 50; number++)
            cr_assert_eq(ask(prefetch, number), 0);
        forkloader_table_free(table);
        for (uint64_t number = 0; number < 50; number++) {
            cr_expect_eq(atomic_load(&numbers_arrays_released), released);
            cr_assert(gives(prefetch, number));
        }
        cr_expect_eq(atomic_load(&numbers_arrays_released), released + 1);
        forkloader_prefetch_free(prefetch);
        table = numbers_table(ROWS);
    }
}

Test(prefetch, is_freed_with_work_pending)
{
    static const size_t THREADS[] = {0, 1, 4};
    for (int round = 0; round < 60; round++) {
        struct forkloader_prefetch *prefetch = prefetch_make(THREADS[round % 3], 1 << 20);
        for (uint64_t number = 0; number < 40; number++)
            cr_assert_eq(ask(prefetch, number), 0);
        rest(round * 20);
        forkloader_prefetch_free(prefetch);
    }
    int released = atomic_load(&numbers_arrays_released);
    forkloader_table_free(table);
    cr_expect_eq(atomic_load(&numbers_arrays_released), released + 1, "no take keeps it");
    table = NULL;
}
