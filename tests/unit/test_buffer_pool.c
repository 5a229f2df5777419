/* Tests of loader/arrow/buffer_pool.c. SPDX-License-Identifier: Apache-2.0 */
#include "loader/arrow/buffer_pool.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20 };

#ifdef __SANITIZE_ADDRESS__
static const bool IS_USED = false;
#else
static const bool IS_USED = true;
#endif

static void *made(size_t bytes)
{
    void *buffer = NULL;
    cr_assert_eq(posix_memalign(&buffer, 64, bytes), 0);
    return buffer;
}

Test(spare, what_was_given_back_is_taken_again_once)
{
    void *buffer = made(MIB);
    fl_buffer_pool_keep(buffer);
    cr_expect_eq(fl_buffer_pool_take(MIB), IS_USED ? buffer : NULL);
    cr_expect_null(fl_buffer_pool_take(MIB));
}

Test(spare, one_that_is_much_too_large_is_left_for_others)
{
    void *buffer = made(4 * MIB);
    fl_buffer_pool_keep(buffer);
    cr_expect_null(fl_buffer_pool_take(MIB));
    cr_expect_null(fl_buffer_pool_take(5 * MIB));
    cr_expect_eq(fl_buffer_pool_take(3 * MIB), IS_USED ? buffer : NULL);
}

Test(spare, small_ones_and_very_large_ones_are_not_kept)
{
    fl_buffer_pool_keep(made(1000));
    fl_buffer_pool_keep(made(32 * MIB));
    fl_buffer_pool_keep(NULL);
    cr_expect_null(fl_buffer_pool_take(1000));
    cr_expect_null(fl_buffer_pool_take(32 * MIB));
}

Test(spare, no_more_than_64_mib_are_kept)
{
    size_t kept = 0;
    for (int i = 0; i < 16; i++)
        fl_buffer_pool_keep(made(7 * MIB));
    while (fl_buffer_pool_take(7 * MIB))
        kept++;
    cr_expect_eq(kept, IS_USED ? 9 : 0);
}

/* Nobody else writes into what a thread has. */
static void *work(void *of)
{
    enum { TURNS = 20000, BYTES = 100000 };
    unsigned char mine = (unsigned char)(uintptr_t)of;
    size_t wrong = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        unsigned char *buffer = fl_buffer_pool_take(BYTES);
        if (!buffer)
            buffer = malloc(BYTES);
        memset(buffer, mine, 256);
        memset(buffer + BYTES - 256, mine, 256);
        for (int i = 0; i < 256; i++)
            wrong += buffer[i] != mine || buffer[BYTES - 1 - i] != mine;
        fl_buffer_pool_keep(buffer);
    }
    return (void *)(uintptr_t)wrong;
}

Test(spare, each_has_one_owner)
{
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1)), 0);
    for (size_t i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        cr_expect_null(wrong);
    }
}
