/* Tests of loader/transport/ring*.c: batches from writers to readers.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/rings.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

Test(ring, batches_are_got_as_they_were_put)
{
    struct forkloader_ring *ring = ring_make(2, 3, 1 << 20);
    cr_expect_eq(forkloader_ring_lanes(ring), 2);
    for (uint64_t i = 0; i < 300; i++) {
        size_t lane = i % 2;
        struct got got;
        cr_assert_eq(ring_put(ring, lane, i, i * 50, i % 9 * 300, 0), 0, "%s", error.message);
        cr_assert_eq(ring_get(ring, lane, i, 0, &got), 0, "%s", error.message);
        cr_assert(ring_is_right(&got));
        cr_assert(got.batch.sequence == i && !got.batch.is_copy);
        cr_assert_eq((uintptr_t)got.array.children[0]->buffers[1] % 64, 0);
        cr_assert_eq(ring_counts_of(ring, lane).held, 1);
        ring_let_go(&got);
        cr_assert_eq(ring_counts_of(ring, lane).free, 3);
    }
    struct forkloader_ring_counts counts = ring_counts_of(ring, 1);
    cr_expect(counts.batches == 150 && counts.copies == 0 && counts.bytes > 150 * 4 * 300 * 8);
    cr_expect_eq(forkloader_ring_count(ring, 2, &counts), EINVAL);
    forkloader_ring_free(ring);
    forkloader_ring_free(NULL);
}

Test(ring, the_reader_asks_by_sequence)
{
    struct forkloader_ring *ring = ring_make(1, 4, 1 << 16);
    struct got got;
    cr_assert(ring_put(ring, 0, 9, 0, 10, 0) == 0 && ring_put(ring, 0, 7, 100, 10, 0) == 0);
    cr_expect_eq(ring_get(ring, 0, 8, 0, &got), ETIMEDOUT);
    cr_expect(strstr(error.message, "lane 0: no batch arrived"), "%s", error.message);
    cr_expect_eq(got.batch.sequence, 8);
    cr_expect(ring_give(ring, 0, 7) && ring_give(ring, 0, 9));
    cr_expect_eq(ring_get(ring, 0, 7, 0, &got), ETIMEDOUT);
    cr_expect_eq(ring_get(ring, 1, 7, -1, &got), EINVAL);
    cr_expect(strstr(error.message, "lane 1: the ring has 1"), "%s", error.message);
    forkloader_ring_free(ring);
}

Test(ring, a_full_lane_holds_its_writer_up)
{
    struct forkloader_ring *ring = ring_make(2, 2, 1 << 16);
    struct ArrowArray array;
    struct ArrowSchema schema;
    struct forkloader_ring_batch batch = {.sequence = 2, .kind = 7, .values = {5, 10, ~5ull, 4}};
    int released = atomic_load(&numbers_arrays_released);
    cr_assert(ring_put(ring, 0, 0, 0, 10, 0) == 0 && ring_put(ring, 0, 1, 0, 10, 0) == 0);
    cr_expect_eq(ring_put(ring, 0, 2, 0, 10, 0), ETIMEDOUT);
    cr_expect(strstr(error.message, "lane 0: no slot became free"), "%s", error.message);
    cr_expect_eq(ring_put(ring, 0, 2, 0, 10, 20), ETIMEDOUT);
    cr_expect_geq(ring_counts_of(ring, 0).writer_wait_ns, 20000000);
    cr_expect_eq(ring_counts_of(ring, 0).writer_waits, 2);
    cr_expect_eq(ring_put(ring, 1, 0, 0, 10, 0), 0, "the other lane has slots of its own");
    numbers_array(&array, &schema, 5, 10);
    cr_expect_eq(forkloader_ring_put(ring, 0, &batch, &array, &schema, 1, NULL), ETIMEDOUT);
    cr_expect(ring_give(ring, 0, 0));
    cr_expect_eq(forkloader_ring_put(ring, 0, &batch, &array, &schema, 1, NULL), 0);
    cr_expect(!array.release && !schema.release && ring_give(ring, 0, 2));
    cr_expect_eq(atomic_load(&numbers_arrays_released), released + 1, "somebody else's, once");
    forkloader_ring_free(ring);
}

static void interrupt(int number)
{
    (void)number;
}

Test(ring, a_signal_ends_a_wait)
{
    struct forkloader_ring *ring = ring_make(1, 1, 1 << 16);
    struct got got;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = interrupt}, NULL);
    timer_t timer;
    timer_create(CLOCK_MONOTONIC,
                 &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1}, &timer);
    timer_settime(timer, 0, &(struct itimerspec){{0, 20000000}, {0, 20000000}}, NULL);
    cr_expect_eq(ring_get(ring, 0, 0, -1, &got), EINTR);
    cr_expect(strstr(error.message, "interrupted by a signal"));
    cr_expect_eq(ring_get(ring, 0, 0, 10000, &got), EINTR);
    cr_assert_eq(ring_put(ring, 0, 0, 0, 10, 0), 0);
    cr_expect_eq(ring_put(ring, 0, 1, 0, 10, -1), EINTR);
    cr_expect(ring_give(ring, 0, 0));
    cr_expect_eq(ring_put(ring, 0, 1, 0, 10, -1), 0);
    timer_delete(timer);
    forkloader_ring_free(ring);
}

/* What comes just when the wait is over, as the signal's own handler sees to it. */
static struct forkloader_ring *late_ring;
static struct fl_ring_slot *late;

static void give_back_late(int number)
{
    (void)number;
    fl_ring_give_back(late_ring, 0, late);
}

static void ready_late(int number)
{
    (void)number;
    fl_ring_ready(late_ring, 0, late);
}

static timer_t signal_soon(void (*handler)(int))
{
    timer_t timer;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handler}, NULL);
    timer_create(CLOCK_MONOTONIC,
                 &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1}, &timer);
    timer_settime(timer, 0, &(struct itimerspec){.it_value = {0, 30000000}}, NULL);
    return timer;
}

Test(ring, nothing_is_lost_that_comes_when_a_wait_is_over)
{
    struct forkloader_ring *ring = late_ring = ring_make(1, 1, 1 << 16);
    struct got got;
    cr_assert_eq(fl_ring_wait_free(ring, 0, 0, &late, NULL), 0);
    timer_t timer = signal_soon(give_back_late);
    int code = ring_put(ring, 0, 0, 0, 10, -1);
    cr_expect(code == 0 || code == EINTR);
    cr_expect_eq(ring_counts_of(ring, 0).filling, 0);
    cr_expect_eq(ring_counts_of(ring, 0).ready, code == 0);
    timer_delete(timer);
    if (code == 0)
        cr_assert(ring_give(ring, 0, 0));
    cr_assert_eq(fl_ring_wait_free(ring, 0, 0, &late, NULL), 0);
    atomic_store(&late->sequence, 9);
    late->is_parcel = false;
    timer = signal_soon(ready_late);
    code = ring_get(ring, 0, 9, -1, &got);
    cr_expect(code == 0 || code == EINTR);
    if (code == 0)
        ring_let_go(&got);
    cr_expect_eq(ring_counts_of(ring, 0).held, 0);
    timer_delete(timer);
    forkloader_ring_free(ring);
}

Test(ring, a_stop_wakes_everybody)
{
    struct forkloader_ring *ring = ring_make(1, 1, 1 << 16);
    struct waiter reader = {ring, false, 0}, writer = {ring, true, 0};
    struct got got;
    pthread_t threads[2];
    cr_assert_eq(ring_put(ring, 0, 0, 0, 10, 0), 0);
    cr_assert_eq(pthread_create(&threads[0], NULL, ring_wait_on, &reader), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, ring_wait_on, &writer), 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS);
        ring_wait_on(&reader);
        _exit(reader.code);
    }
    while (ring_counts_of(ring, 0).reader_waits < 2 || ring_counts_of(ring, 0).writer_waits < 1)
        rest(100);
    rest(2000);
    forkloader_ring_stop(ring);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect(reader.code == ECANCELED && writer.code == ECANCELED);
    cr_expect_eq(end_of(child), ECANCELED);
    cr_expect_eq(ring_get(ring, 0, 0, -1, &got), ECANCELED, "even what is there");
    cr_expect_eq(ring_put(ring, 0, 1, 0, 10, -1), ECANCELED);
    cr_expect(strstr(error.message, "the ring is stopped"));
    forkloader_ring_free(ring);
}

/* Two of a process who read one lane, each what it asks for. */
struct reader {
    struct forkloader_ring *ring;
    uint64_t first;
    int wrong;
};

static void *read_every_other(void *of)
{
    struct reader *reader = of;
    for (uint64_t i = reader->first; i < 3000; i += 2)
        reader->wrong += !ring_give(reader->ring, 0, i);
    return NULL;
}

Test(ring, two_threads_may_read)
{
    struct forkloader_ring *ring = ring_make(1, 4, 1 << 16);
    struct reader readers[2] = {{ring, 0, 0}, {ring, 1, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_every_other, &readers[i]), 0);
    for (uint64_t i = 0; i < 3000; i++)
        cr_assert_eq(ring_put(ring, 0, i, i, 20, -1), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(readers[i].wrong, 0);
    }
    cr_expect_eq(ring_counts_of(ring, 0).free, 4);
    forkloader_ring_free(ring);
}

enum { EACH = 10000, HELD = 3 };

Test(ring, two_writers_and_a_reader)
{
    struct forkloader_ring *ring = ring_make(2, HELD, 1 << 14);
    pid_t writers[2];
    for (size_t lane = 0; lane < 2; lane++) {
        writers[lane] = fork();
        if (writers[lane] == 0) {
            alarm(SECONDS);
            for (uint64_t i = 0; i < EACH; i++)
                WANT(ring_put(ring, lane, i, (i * 31 + lane) % 10000, i % 100, -1) == 0);
            _exit(0);
        }
    }
    struct got kept[2 * HELD] = {0};
    for (uint64_t i = 0; i < 2 * EACH; i++) {
        struct got *got = &kept[i * 7 % (2 * HELD)];
        if (got->array.release) {
            cr_assert(ring_is_right(got), "it was written to while it was held");
            ring_let_go(got);
        }
        cr_assert_eq(ring_get(ring, i % 2, i / 2, -1, got), 0);
        cr_assert(ring_is_right(got));
        cr_assert_eq(got->batch.values[0], (i / 2 * 31 + i % 2) % 10000);
    }
    for (int i = 0; i < 2 * HELD; i++)
        if (kept[i].array.release)
            ring_let_go(&kept[i]);
    for (size_t lane = 0; lane < 2; lane++) {
        cr_expect_eq(end_of(writers[lane]), 0);
        cr_expect_eq(ring_counts_of(ring, lane).batches, EACH);
        cr_expect_eq(ring_counts_of(ring, lane).free, HELD);
    }
    forkloader_ring_free(ring);
}
