/* Tests of loader/transport/ring_batch.c and parcel.c: batches that are held.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/rings.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

Test(ring, the_last_slot_is_given_as_a_copy)
{
    for (uint64_t slots = 1; slots < 5; slots++) {
        struct forkloader_ring *ring = ring_make(1, slots, 1 << 16);
        struct got got[5];
        for (uint64_t i = 0; i < slots; i++)
            cr_assert_eq(ring_put(ring, 0, i, i * 100, 100, 0), 0);
        for (uint64_t i = 0; i < slots; i++) {
            cr_assert_eq(ring_get(ring, 0, i, 0, &got[i]), 0);
            cr_expect_eq(got[i].batch.is_copy, i == slots - 1);
        }
        struct forkloader_ring_counts counts = ring_counts_of(ring, 0);
        cr_expect(counts.held == slots - 1 && counts.free == 1 && counts.copies == 1);
        for (uint64_t i = 0; i < 3; i++) { /* its writer goes on, and the copy is as it was */
            cr_assert_eq(ring_put(ring, 0, 100 + i, 5000, 100, 0), 0);
            cr_assert(ring_give(ring, 0, 100 + i));
        }
        for (uint64_t i = 0; i < slots; i++) {
            cr_expect(ring_is_right(&got[i]));
            ring_let_go(&got[i]);
        }
        cr_expect_eq(ring_counts_of(ring, 0).free, slots);
        forkloader_ring_free(ring);
    }
}

static void *release_here(void *of)
{
    ring_let_go(of);
    return NULL;
}

Test(ring, another_thread_may_release)
{
    struct forkloader_ring *ring = ring_make(1, 3, 1 << 16);
    struct got got[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        cr_assert(ring_put(ring, 0, 0, 0, 10, 0) == 0 && ring_get(ring, 0, 0, 0, &got[i]) == 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, release_here, &got[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(ring_counts_of(ring, 0).free, 3);
    forkloader_ring_free(ring);
}

Test(ring, a_child_that_was_moved_away_keeps_the_slot)
{
    struct forkloader_ring *ring = ring_make(1, 2, 1 << 16);
    struct got got;
    cr_assert(ring_put(ring, 0, 0, 30, 10, 0) == 0 && ring_get(ring, 0, 0, 0, &got) == 0);
    struct ArrowArray column = *got.array.children[0];
    got.array.children[0]->release = NULL;
    ring_let_go(&got);
    cr_expect_eq(ring_counts_of(ring, 0).held, 1);
    cr_expect_eq(((const int64_t *)column.buffers[1])[9], 39 * 3);
    column.release(&column);
    cr_expect_null(column.release);
    cr_expect_eq(ring_counts_of(ring, 0).free, 2);
    forkloader_ring_free(ring);
}

Test(ring, what_a_forked_child_releases_gives_nothing_back)
{
    struct forkloader_ring *ring = ring_make(1, 3, 1 << 16);
    struct got got;
    cr_assert(ring_put(ring, 0, 0, 0, 10, 0) == 0 && ring_get(ring, 0, 0, 0, &got) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct got own;
        alarm(SECONDS);
        WANT(ring_is_right(&got));
        ring_let_go(&got);
        WANT(ring_put(ring, 0, 1, 0, 10, 0) == 0 && ring_get(ring, 0, 1, 0, &own) == 0);
        forkloader_ring_free(ring);
        WANT(ring_is_right(&own));
        ring_let_go(&own); /* this one is the child's to give back */
        _exit(0);
    }
    cr_expect_eq(end_of(child), 0);
    struct forkloader_ring_counts counts = ring_counts_of(ring, 0);
    cr_expect(counts.held == 1 && counts.free == 2);
    cr_expect(ring_is_right(&got));
    ring_let_go(&got);
    cr_expect_eq(ring_counts_of(ring, 0).free, 3);
    forkloader_ring_free(ring);
}

static int mappings(void)
{
    char line[4096];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        count += strstr(line, "memfd:forkloader") != NULL;
    fclose(maps);
    return count;
}

Test(ring, views_outlive_it)
{
    struct forkloader_ring *ring = ring_make(1, 4, 1 << 16);
    struct got got[3];
    for (uint64_t i = 0; i < 3; i++)
        cr_assert(ring_put(ring, 0, i, i, 500, 0) == 0 && ring_get(ring, 0, i, 0, &got[i]) == 0);
    forkloader_ring_free(ring);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(mappings(), 1);
        cr_expect(ring_is_right(&got[i]));
        ring_let_go(&got[i]);
    }
    cr_expect_eq(mappings(), 0);
}

Test(ring, a_view_can_be_put_into_another_ring)
{
    struct forkloader_ring *ring = ring_make(1, 2, 1 << 16), *other = ring_make(1, 2, 1 << 16);
    struct got got;
    cr_assert(ring_put(ring, 0, 0, 40, 500, 0) == 0 && ring_get(ring, 0, 0, 0, &got) == 0);
    cr_assert_eq(forkloader_ring_put(other, 0, &got.batch, &got.array, &got.schema, 0, NULL), 0);
    cr_expect_eq(ring_counts_of(ring, 0).free, 2);
    cr_expect(ring_give(other, 0, 0));
    forkloader_ring_free(ring);
    forkloader_ring_free(other);
}

Test(ring, bytes_come_as_they_were_put)
{
    struct forkloader_ring *ring = ring_make(1, 2, 1 << 16);
    char text[] = "some text", large[1000];
    const void *const parts[] = {text, NULL, large, text};
    const size_t sizes[] = {10, 0, 1000, 3}, huge[] = {SIZE_MAX, SIZE_MAX / 2};
    struct forkloader_ring_batch batch = {.sequence = 4, .values = {1, 2, 3, 4}};
    struct got got;
    memset(large, 'x', sizeof large);
    for (int copy = 0; copy < 2; copy++) {
        cr_assert_eq(forkloader_ring_put_bytes(ring, 0, &batch, parts, sizes, 4, 0, &error), 0);
        if (copy)
            cr_assert_eq(ring_put(ring, 0, 5, 0, 1, 0), 0);
        struct got other;
        if (copy)
            cr_assert_eq(ring_get(ring, 0, 5, 0, &other), 0);
        cr_assert_eq(ring_get(ring, 0, 4, 0, &got), 0);
        const char *bytes = got.array.buffers[1];
        cr_expect_str_eq(got.schema.format, "C");
        cr_expect(got.batch.values[3] == 4 && got.batch.is_copy == (uint32_t)copy);
        cr_expect(got.array.null_count == 0 && got.array.n_buffers == 2 && !got.array.buffers[0]);
        cr_expect_eq(got.array.length, 64 + 1024 + 3, "it ends with the last part");
        cr_expect_eq(memcmp(bytes, text, 10), 0);
        cr_expect_eq(memcmp(bytes + 64, large, 1000), 0);
        cr_expect_eq(memcmp(bytes + 64 + 1024, text, 3), 0);
        ring_let_go(&got);
        if (copy)
            ring_let_go(&other);
    }
    cr_assert_eq(forkloader_ring_put_bytes(ring, 0, &batch, NULL, NULL, 0, 0, &error), 0);
    cr_assert_eq(ring_get(ring, 0, 4, 0, &got), 0);
    cr_expect(got.array.length == 0 && strcmp(got.schema.format, "C") == 0);
    ring_let_go(&got);
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &batch, parts, huge + i, 1, 0, &error),
                     ENOSPC);
    for (size_t less = 10; less < 300; less += 190) {
        const size_t both[] = {SIZE_MAX - less, 300};
        cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &batch, parts, both, 2, 0, &error), ENOSPC);
    }
    cr_expect_eq(ring_counts_of(ring, 0).free, 2);
    forkloader_ring_free(ring);
}
