/* Tests of loader/transport/ring_slots.c: processes that are killed.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/rings.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

/* A child that does something with the ring, and is killed just there. */
static pid_t killed_at(void (*what)(struct forkloader_ring *ring), struct forkloader_ring *ring)
{
    pid_t child = fork();
    if (child == 0) {
        what(ring);
        kill(getpid(), SIGKILL);
    }
    cr_assert_eq(end_of(child), 1000 + SIGKILL);
    return child;
}

static void fill(struct forkloader_ring *ring)
{
    struct fl_ring_slot *slot;
    for (size_t lane = 0; lane < 2; lane++)
        if (fl_ring_wait_free(ring, lane, 0, &slot, NULL) != 0 ||
            fl_ring_back(ring, slot, 100, NULL) != 0)
            _exit(1);
}

static void fill_and_ready(struct forkloader_ring *ring)
{
    (void)ring_put(ring, 0, 0, 0, 10, 0);
    fill(ring);
}

static void hold(struct forkloader_ring *ring)
{
    static struct got got[2];
    for (uint64_t i = 0; i < 2; i++)
        if (ring_get(ring, 0, i, 0, &got[i]) != 0)
            _exit(1);
}

Test(ring, what_a_killed_writer_was_filling_is_given_back)
{
    struct forkloader_ring *ring = ring_make(2, 3, 1 << 16);
    pid_t dead = killed_at(fill_and_ready, ring);
    struct forkloader_ring_counts counts = ring_counts_of(ring, 0);
    cr_expect(counts.filling == 1 && counts.ready == 1 && counts.free == 1);
    cr_expect_eq(forkloader_ring_reap(ring, getpid()), 0);
    cr_expect_eq(forkloader_ring_reap(ring, 0), 0);
    cr_expect_eq(forkloader_ring_reap(ring, -1), 0);
    cr_expect_eq(forkloader_ring_reap(ring, dead), 2);
    cr_expect_eq(forkloader_ring_reap(ring, dead), 0);
    counts = ring_counts_of(ring, 0);
    cr_expect(counts.ready == 1 && counts.free == 2, "what it had put is the reader's");
    cr_expect_eq(ring_counts_of(ring, 1).free, 3);
    cr_expect(ring_give(ring, 0, 0));
    forkloader_ring_free(ring);
}

Test(ring, what_a_killed_reader_held_is_given_back)
{
    struct forkloader_ring *ring = ring_make(1, 3, 1 << 16);
    for (uint64_t i = 0; i < 3; i++)
        cr_assert_eq(ring_put(ring, 0, i, i, 10, 0), 0);
    pid_t dead = killed_at(hold, ring);
    cr_expect_eq(ring_counts_of(ring, 0).held, 2);
    cr_expect_eq(ring_put(ring, 0, 3, 0, 10, 0), ETIMEDOUT);
    struct waiter writer = {ring, true, -1};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, ring_wait_on, &writer), 0);
    while (ring_counts_of(ring, 0).writer_waits < 2)
        rest(100);
    rest(2000);
    cr_expect_eq(forkloader_ring_reap(ring, dead), 2);
    pthread_join(thread, NULL); /* it wakes who waited for a slot */
    cr_expect_eq(writer.code, 0);
    cr_expect(ring_give(ring, 0, 2) && ring_give(ring, 0, 5));
    forkloader_ring_free(ring);
}

/* All that a writer does but to tell of it. */
static void ready_silently(struct forkloader_ring *ring)
{
    struct fl_ring_slot *slot = fl_ring_slot(ring, 0, 0);
    if (ring_put(ring, 1, 5, 0, 10, 0) != 0)
        _exit(1);
    atomic_store(&slot->sequence, 5);
    slot->bytes = 64;
    if (fl_ring_back(ring, slot, 64, NULL) != 0)
        _exit(1);
    atomic_store(&slot->life, FL_SLOT_READY);
}

Test(ring, a_writer_killed_before_it_told_of_its_batch)
{
    struct forkloader_ring *ring = ring_make(2, 2, 1 << 16);
    struct waiter reader = {ring, false, -1};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, ring_wait_on, &reader), 0);
    while (ring_counts_of(ring, 0).reader_waits < 1)
        rest(100);
    rest(2000);
    pid_t dead = killed_at(ready_silently, ring);
    cr_expect_eq(forkloader_ring_reap(ring, dead), 0);
    pthread_join(thread, NULL);
    cr_expect_eq(reader.code, 0);
    forkloader_ring_free(ring);
}

static void write_on(struct forkloader_ring *ring, uint64_t first)
{
    for (uint64_t i = first;; i++)
        WANT(ring_put(ring, 0, i, i % 1000, 200, -1) == 0);
}

/* Killed anywhere: what was put is whole, and no slot is lost. */
Test(ring, writers_killed_at_any_moment)
{
    struct forkloader_ring *ring = ring_make(1, 3, 1 << 16);
    uint64_t next = 0;
    for (int round = 0; round < 100; round++) {
        pid_t writer = fork();
        if (writer == 0) {
            alarm(SECONDS);
            write_on(ring, next);
        }
        struct got got;
        int most = round % 7;
        for (int i = 0; i < most; i++, next++)
            cr_assert(ring_give(ring, 0, next));
        rest(round * 13 % 400);
        kill(writer, SIGKILL);
        cr_assert_eq(end_of(writer), 1000 + SIGKILL);
        (void)forkloader_ring_reap(ring, writer);
        for (; ring_get(ring, 0, next, 0, &got) == 0; next++) {
            cr_assert(ring_is_right(&got));
            ring_let_go(&got);
        }
        cr_assert_eq(ring_counts_of(ring, 0).free, 3);
    }
    forkloader_ring_free(ring);
}

Test(ring, readers_killed_at_any_moment)
{
    struct forkloader_ring *ring = ring_make(1, 4, 1 << 16);
    uint64_t next = 0;
    for (int round = 0; round < 100; round++) {
        pid_t reader = fork();
        if (reader == 0) {
            struct got got[2] = {0};
            alarm(SECONDS);
            for (uint64_t i = 0;; i++) {
                if (got[i % 2].array.release)
                    ring_let_go(&got[i % 2]);
                while (ring_get(ring, 0, next + i, 1, &got[i % 2]) != 0)
                    ;
                WANT(ring_is_right(&got[i % 2]));
            }
        }
        for (int i = 0; i < 20; i++)
            if (ring_put(ring, 0, next + (uint64_t)i, 3, 200, 2) != 0)
                break;
        rest(round * 13 % 300);
        kill(reader, SIGKILL);
        cr_assert_eq(end_of(reader), 1000 + SIGKILL);
        (void)forkloader_ring_reap(ring, reader);
        struct forkloader_ring_counts counts = ring_counts_of(ring, 0);
        cr_assert(counts.held == 0 && counts.filling == 0);
        for (struct got got; ring_counts_of(ring, 0).ready; next++)
            if (ring_get(ring, 0, next, 0, &got) == 0)
                ring_let_go(&got);
        next += 100;
    }
    cr_expect_eq(ring_counts_of(ring, 0).free, 4);
    forkloader_ring_free(ring);
}
