/* Tests of loader/transport/ring.c, ring_slots.c, ring_batch.c and parcel.c.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "forkloader.h"
#include "loader/transport/ring.h"
#include "tests/unit/support/numbers.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 20000, SECONDS = 40, PAGE = 4096 };

static _Thread_local struct forkloader_error error;
static struct forkloader_table *table;

static void set_up(void)
{
    alarm(SECONDS);
    table = numbers_table(ROWS);
    cr_assert_not_null(table);
}

static void tear_down(void)
{
    forkloader_table_free(table);
}

TestSuite(ring, .init = set_up, .fini = tear_down);

static struct forkloader_ring *make(size_t lanes, size_t slots, uint64_t slot_bytes)
{
    struct forkloader_ring *ring;
    cr_assert_eq(forkloader_ring_new(&ring, lanes, slots, slot_bytes, &error), 0, "%s",
                 error.message);
    return ring;
}

/* Arrays of ours: rows [first, first + count) of the table. */
static void take(uint64_t first, size_t count, struct ArrowArray *array, struct ArrowSchema *schema)
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
static int put(struct forkloader_ring *ring, size_t lane, uint64_t sequence, uint64_t first,
               size_t count, int milliseconds)
{
    struct forkloader_ring_batch batch = {
        .sequence = sequence, .kind = 7, .values = {first, count, ~first, 4}};
    struct ArrowArray array;
    struct ArrowSchema schema;
    take(first, count, &array, &schema);
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

static int get(struct forkloader_ring *ring, size_t lane, uint64_t sequence, int milliseconds,
               struct got *got)
{
    memset(got, 0x5a, sizeof *got);
    got->batch.sequence = sequence;
    int code = forkloader_ring_get(ring, lane, &got->batch, &got->array, &got->schema, milliseconds,
                                   &error);
    return code != 0 && (got->array.release || got->schema.release) ? -1 : code;
}

static bool is_right(const struct got *got)
{
    const struct forkloader_ring_batch *batch = &got->batch;
    return batch->kind == 7 && batch->values[2] == ~batch->values[0] && batch->values[3] == 4 &&
           numbers_run(&got->array, batch->values[0], (size_t)batch->values[1]) &&
           strcmp(got->schema.children[0]->name, "n") == 0;
}

static void let_go(struct got *got)
{
    got->array.release(&got->array);
    got->schema.release(&got->schema);
}

static bool give(struct forkloader_ring *ring, size_t lane, uint64_t sequence)
{
    struct got got;
    if (get(ring, lane, sequence, -1, &got) != 0)
        return false;
    bool right = is_right(&got);
    let_go(&got);
    return right;
}

static struct forkloader_ring_counts counts_of(const struct forkloader_ring *ring, size_t lane)
{
    struct forkloader_ring_counts counts;
    cr_assert_eq(forkloader_ring_count(ring, lane, &counts), 0);
    return counts;
}

static void rest(long microseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

static int end_of(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define WANT(condition)                \
    do {                               \
        if (!(condition))              \
            _exit(__LINE__ % 251 + 1); \
    } while (0)

static int folder_size(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count;
}

Test(ring, batches_are_got_as_they_were_put)
{
    struct forkloader_ring *ring = make(2, 3, 1 << 20);
    cr_expect_eq(forkloader_ring_lanes(ring), 2);
    for (uint64_t i = 0; i < 300; i++) {
        size_t lane = i % 2;
        struct got got;
        cr_assert_eq(put(ring, lane, i, i * 50, i % 9 * 300, 0), 0, "%s", error.message);
        cr_assert_eq(get(ring, lane, i, 0, &got), 0, "%s", error.message);
        cr_assert(is_right(&got));
        cr_assert(got.batch.sequence == i && !got.batch.is_copy);
        cr_assert_eq((uintptr_t)got.array.children[0]->buffers[1] % 64, 0);
        cr_assert_eq(counts_of(ring, lane).held, 1);
        let_go(&got);
        cr_assert_eq(counts_of(ring, lane).free, 3);
    }
    struct forkloader_ring_counts counts = counts_of(ring, 1);
    cr_expect(counts.batches == 150 && counts.copies == 0 && counts.bytes > 150 * 4 * 300 * 8);
    cr_expect_eq(forkloader_ring_count(ring, 2, &counts), EINVAL);
    forkloader_ring_free(ring);
    forkloader_ring_free(NULL);
}

Test(ring, the_reader_asks_by_sequence)
{
    struct forkloader_ring *ring = make(1, 4, 1 << 16);
    struct got got;
    cr_assert(put(ring, 0, 9, 0, 10, 0) == 0 && put(ring, 0, 7, 100, 10, 0) == 0);
    cr_expect_eq(get(ring, 0, 8, 0, &got), ETIMEDOUT);
    cr_expect(strstr(error.message, "lane 0: no batch came"), "%s", error.message);
    cr_expect_eq(got.batch.sequence, 8);
    cr_expect(give(ring, 0, 7) && give(ring, 0, 9));
    cr_expect_eq(get(ring, 0, 7, 0, &got), ETIMEDOUT);
    cr_expect_eq(get(ring, 1, 7, -1, &got), EINVAL);
    cr_expect(strstr(error.message, "lane 1: the ring has 1"), "%s", error.message);
    forkloader_ring_free(ring);
}

Test(ring, a_full_lane_holds_its_writer_up)
{
    struct forkloader_ring *ring = make(2, 2, 1 << 16);
    struct ArrowArray array;
    struct ArrowSchema schema;
    struct forkloader_ring_batch batch = {.sequence = 2, .kind = 7, .values = {5, 10, ~5ull, 4}};
    int released = atomic_load(&numbers_arrays_released);
    cr_assert(put(ring, 0, 0, 0, 10, 0) == 0 && put(ring, 0, 1, 0, 10, 0) == 0);
    cr_expect_eq(put(ring, 0, 2, 0, 10, 0), ETIMEDOUT);
    cr_expect(strstr(error.message, "lane 0: no slot came free"), "%s", error.message);
    cr_expect_eq(put(ring, 0, 2, 0, 10, 20), ETIMEDOUT);
    cr_expect_geq(counts_of(ring, 0).writer_wait_ns, 20000000);
    cr_expect_eq(counts_of(ring, 0).writer_waits, 2);
    cr_expect_eq(put(ring, 1, 0, 0, 10, 0), 0, "the other lane has slots of its own");
    numbers_array(&array, &schema, 5, 10);
    cr_expect_eq(forkloader_ring_put(ring, 0, &batch, &array, &schema, 1, NULL), ETIMEDOUT);
    cr_expect(give(ring, 0, 0));
    cr_expect_eq(forkloader_ring_put(ring, 0, &batch, &array, &schema, 1, NULL), 0);
    cr_expect(!array.release && !schema.release && give(ring, 0, 2));
    cr_expect_eq(atomic_load(&numbers_arrays_released), released + 1, "somebody else's, once");
    forkloader_ring_free(ring);
}

static void interrupt(int number)
{
    (void)number;
}

Test(ring, a_signal_ends_a_wait)
{
    struct forkloader_ring *ring = make(1, 1, 1 << 16);
    struct got got;
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = interrupt}, NULL);
    timer_t timer;
    timer_create(CLOCK_MONOTONIC,
                 &(struct sigevent){.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1}, &timer);
    timer_settime(timer, 0, &(struct itimerspec){{0, 20000000}, {0, 20000000}}, NULL);
    cr_expect_eq(get(ring, 0, 0, -1, &got), EINTR);
    cr_expect(strstr(error.message, "a signal came"));
    cr_expect_eq(get(ring, 0, 0, 10000, &got), EINTR);
    cr_assert_eq(put(ring, 0, 0, 0, 10, 0), 0);
    cr_expect_eq(put(ring, 0, 1, 0, 10, -1), EINTR);
    cr_expect(give(ring, 0, 0));
    cr_expect_eq(put(ring, 0, 1, 0, 10, -1), 0);
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
    struct forkloader_ring *ring = late_ring = make(1, 1, 1 << 16);
    struct got got;
    cr_assert_eq(fl_ring_wait_free(ring, 0, 0, &late, NULL), 0);
    timer_t timer = signal_soon(give_back_late);
    int code = put(ring, 0, 0, 0, 10, -1);
    cr_expect(code == 0 || code == EINTR);
    cr_expect_eq(counts_of(ring, 0).filling, 0);
    cr_expect_eq(counts_of(ring, 0).ready, code == 0);
    timer_delete(timer);
    if (code == 0)
        cr_assert(give(ring, 0, 0));
    cr_assert_eq(fl_ring_wait_free(ring, 0, 0, &late, NULL), 0);
    atomic_store(&late->sequence, 9);
    late->is_parcel = false;
    timer = signal_soon(ready_late);
    code = get(ring, 0, 9, -1, &got);
    cr_expect(code == 0 || code == EINTR);
    if (code == 0)
        let_go(&got);
    cr_expect_eq(counts_of(ring, 0).held, 0);
    timer_delete(timer);
    forkloader_ring_free(ring);
}

/* One who waits at a ring, for ever. */
struct waiter {
    struct forkloader_ring *ring;
    bool is_writer;
    int code;
};

static void *wait_on(void *of)
{
    struct waiter *waiter = of;
    struct got got;
    waiter->code =
        waiter->is_writer ? put(waiter->ring, 0, 5, 0, 10, -1) : get(waiter->ring, 0, 5, -1, &got);
    if (waiter->code == 0 && !waiter->is_writer)
        let_go(&got);
    return NULL;
}

Test(ring, a_stop_wakes_everybody)
{
    struct forkloader_ring *ring = make(1, 1, 1 << 16);
    struct waiter reader = {ring, false, 0}, writer = {ring, true, 0};
    struct got got;
    pthread_t threads[2];
    cr_assert_eq(put(ring, 0, 0, 0, 10, 0), 0);
    cr_assert_eq(pthread_create(&threads[0], NULL, wait_on, &reader), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, wait_on, &writer), 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS);
        wait_on(&reader);
        _exit(reader.code);
    }
    while (counts_of(ring, 0).reader_waits < 2 || counts_of(ring, 0).writer_waits < 1)
        rest(100);
    rest(2000);
    forkloader_ring_stop(ring);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect(reader.code == ECANCELED && writer.code == ECANCELED);
    cr_expect_eq(end_of(child), ECANCELED);
    cr_expect_eq(get(ring, 0, 0, -1, &got), ECANCELED, "even what is there");
    cr_expect_eq(put(ring, 0, 1, 0, 10, -1), ECANCELED);
    cr_expect(strstr(error.message, "the ring is stopped"));
    forkloader_ring_free(ring);
}

Test(ring, the_last_slot_is_given_as_a_copy)
{
    for (uint64_t slots = 1; slots < 5; slots++) {
        struct forkloader_ring *ring = make(1, slots, 1 << 16);
        struct got got[5];
        for (uint64_t i = 0; i < slots; i++)
            cr_assert_eq(put(ring, 0, i, i * 100, 100, 0), 0);
        for (uint64_t i = 0; i < slots; i++) {
            cr_assert_eq(get(ring, 0, i, 0, &got[i]), 0);
            cr_expect_eq(got[i].batch.is_copy, i == slots - 1);
        }
        struct forkloader_ring_counts counts = counts_of(ring, 0);
        cr_expect(counts.held == slots - 1 && counts.free == 1 && counts.copies == 1);
        for (uint64_t i = 0; i < 3; i++) { /* its writer goes on, and the copy is as it was */
            cr_assert_eq(put(ring, 0, 100 + i, 5000, 100, 0), 0);
            cr_assert(give(ring, 0, 100 + i));
        }
        for (uint64_t i = 0; i < slots; i++) {
            cr_expect(is_right(&got[i]));
            let_go(&got[i]);
        }
        cr_expect_eq(counts_of(ring, 0).free, slots);
        forkloader_ring_free(ring);
    }
}

static void *release_here(void *of)
{
    let_go(of);
    return NULL;
}

Test(ring, another_thread_may_release)
{
    struct forkloader_ring *ring = make(1, 3, 1 << 16);
    struct got got[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        cr_assert(put(ring, 0, 0, 0, 10, 0) == 0 && get(ring, 0, 0, 0, &got[i]) == 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, release_here, &got[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(counts_of(ring, 0).free, 3);
    forkloader_ring_free(ring);
}

Test(ring, a_child_that_was_moved_away_keeps_the_slot)
{
    struct forkloader_ring *ring = make(1, 2, 1 << 16);
    struct got got;
    cr_assert(put(ring, 0, 0, 30, 10, 0) == 0 && get(ring, 0, 0, 0, &got) == 0);
    struct ArrowArray column = *got.array.children[0];
    got.array.children[0]->release = NULL;
    let_go(&got);
    cr_expect_eq(counts_of(ring, 0).held, 1);
    cr_expect_eq(((const int64_t *)column.buffers[1])[9], 39 * 3);
    column.release(&column);
    cr_expect_null(column.release);
    cr_expect_eq(counts_of(ring, 0).free, 2);
    forkloader_ring_free(ring);
}

Test(ring, what_a_forked_child_releases_gives_nothing_back)
{
    struct forkloader_ring *ring = make(1, 3, 1 << 16);
    struct got got;
    cr_assert(put(ring, 0, 0, 0, 10, 0) == 0 && get(ring, 0, 0, 0, &got) == 0);
    pid_t child = fork();
    if (child == 0) {
        struct got own;
        alarm(SECONDS);
        WANT(is_right(&got));
        let_go(&got);
        WANT(put(ring, 0, 1, 0, 10, 0) == 0 && get(ring, 0, 1, 0, &own) == 0);
        forkloader_ring_free(ring);
        WANT(is_right(&own));
        let_go(&own); /* this one is the child's to give back */
        _exit(0);
    }
    cr_expect_eq(end_of(child), 0);
    struct forkloader_ring_counts counts = counts_of(ring, 0);
    cr_expect(counts.held == 1 && counts.free == 2);
    cr_expect(is_right(&got));
    let_go(&got);
    cr_expect_eq(counts_of(ring, 0).free, 3);
    forkloader_ring_free(ring);
}

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
    (void)put(ring, 0, 0, 0, 10, 0);
    fill(ring);
}

static void hold(struct forkloader_ring *ring)
{
    static struct got got[2];
    for (uint64_t i = 0; i < 2; i++)
        if (get(ring, 0, i, 0, &got[i]) != 0)
            _exit(1);
}

Test(ring, what_a_killed_writer_was_filling_is_given_back)
{
    struct forkloader_ring *ring = make(2, 3, 1 << 16);
    pid_t dead = killed_at(fill_and_ready, ring);
    struct forkloader_ring_counts counts = counts_of(ring, 0);
    cr_expect(counts.filling == 1 && counts.ready == 1 && counts.free == 1);
    cr_expect_eq(forkloader_ring_reap(ring, getpid()), 0);
    cr_expect_eq(forkloader_ring_reap(ring, 0), 0);
    cr_expect_eq(forkloader_ring_reap(ring, -1), 0);
    cr_expect_eq(forkloader_ring_reap(ring, dead), 2);
    cr_expect_eq(forkloader_ring_reap(ring, dead), 0);
    counts = counts_of(ring, 0);
    cr_expect(counts.ready == 1 && counts.free == 2, "what it had put is the reader's");
    cr_expect_eq(counts_of(ring, 1).free, 3);
    cr_expect(give(ring, 0, 0));
    forkloader_ring_free(ring);
}

Test(ring, what_a_killed_reader_held_is_given_back)
{
    struct forkloader_ring *ring = make(1, 3, 1 << 16);
    for (uint64_t i = 0; i < 3; i++)
        cr_assert_eq(put(ring, 0, i, i, 10, 0), 0);
    pid_t dead = killed_at(hold, ring);
    cr_expect_eq(counts_of(ring, 0).held, 2);
    cr_expect_eq(put(ring, 0, 3, 0, 10, 0), ETIMEDOUT);
    struct waiter writer = {ring, true, -1};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, wait_on, &writer), 0);
    while (counts_of(ring, 0).writer_waits < 2)
        rest(100);
    rest(2000);
    cr_expect_eq(forkloader_ring_reap(ring, dead), 2);
    pthread_join(thread, NULL); /* it wakes who waited for a slot */
    cr_expect_eq(writer.code, 0);
    cr_expect(give(ring, 0, 2) && give(ring, 0, 5));
    forkloader_ring_free(ring);
}

/* All that a writer does but to tell of it. */
static void ready_silently(struct forkloader_ring *ring)
{
    struct fl_ring_slot *slot = fl_ring_slot(ring, 0, 0);
    if (put(ring, 1, 5, 0, 10, 0) != 0)
        _exit(1);
    atomic_store(&slot->sequence, 5);
    slot->bytes = 64;
    if (fl_ring_back(ring, slot, 64, NULL) != 0)
        _exit(1);
    atomic_store(&slot->life, FL_SLOT_READY);
}

Test(ring, a_writer_killed_before_it_told_of_its_batch)
{
    struct forkloader_ring *ring = make(2, 2, 1 << 16);
    struct waiter reader = {ring, false, -1};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, wait_on, &reader), 0);
    while (counts_of(ring, 0).reader_waits < 1)
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
        WANT(put(ring, 0, i, i % 1000, 200, -1) == 0);
}

/* Killed anywhere: what was put is whole, and no slot is lost. */
Test(ring, writers_killed_at_any_moment)
{
    struct forkloader_ring *ring = make(1, 3, 1 << 16);
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
            cr_assert(give(ring, 0, next));
        rest(round * 13 % 400);
        kill(writer, SIGKILL);
        cr_assert_eq(end_of(writer), 1000 + SIGKILL);
        (void)forkloader_ring_reap(ring, writer);
        for (; get(ring, 0, next, 0, &got) == 0; next++) {
            cr_assert(is_right(&got));
            let_go(&got);
        }
        cr_assert_eq(counts_of(ring, 0).free, 3);
    }
    forkloader_ring_free(ring);
}

Test(ring, readers_killed_at_any_moment)
{
    struct forkloader_ring *ring = make(1, 4, 1 << 16);
    uint64_t next = 0;
    for (int round = 0; round < 100; round++) {
        pid_t reader = fork();
        if (reader == 0) {
            struct got got[2] = {0};
            alarm(SECONDS);
            for (uint64_t i = 0;; i++) {
                if (got[i % 2].array.release)
                    let_go(&got[i % 2]);
                while (get(ring, 0, next + i, 1, &got[i % 2]) != 0)
                    ;
                WANT(is_right(&got[i % 2]));
            }
        }
        for (int i = 0; i < 20; i++)
            if (put(ring, 0, next + (uint64_t)i, 3, 200, 2) != 0)
                break;
        rest(round * 13 % 300);
        kill(reader, SIGKILL);
        cr_assert_eq(end_of(reader), 1000 + SIGKILL);
        (void)forkloader_ring_reap(ring, reader);
        struct forkloader_ring_counts counts = counts_of(ring, 0);
        cr_assert(counts.held == 0 && counts.filling == 0);
        for (struct got got; counts_of(ring, 0).ready; next++)
            if (get(ring, 0, next, 0, &got) == 0)
                let_go(&got);
        next += 100;
    }
    cr_expect_eq(counts_of(ring, 0).free, 4);
    forkloader_ring_free(ring);
}

/* Every way that a batch of somebody else's can go: its release is called once. */
Test(ring, what_is_put_is_released_once)
{
    struct forkloader_ring *ring = make(1, 2, 4096);
    struct ArrowArray array;
    struct ArrowSchema schema;
    const struct forkloader_ring_batch batch = {.sequence = 1};
    int arrays = atomic_load(&numbers_arrays_released),
        schemas = atomic_load(&numbers_schemas_released);
#define PUT(lane, wanted)                                                                          \
    do {                                                                                           \
        cr_expect_eq(forkloader_ring_put(ring, lane, &batch, &array, &schema, 0, &error), wanted); \
        cr_expect(!array.release && !schema.release);                                              \
        cr_expect_eq(atomic_load(&numbers_arrays_released), ++arrays);                             \
        cr_expect_eq(atomic_load(&numbers_schemas_released), ++schemas);                           \
    } while (0)
    numbers_array(&array, &schema, 0, 10);
    PUT(0, 0);
    numbers_array(&array, &schema, 0, 10000);
    PUT(0, ENOSPC);
    cr_expect(strstr(error.message, "a slot of the ring has 4096 (slot_bytes)"), "%s",
              error.message);
    cr_expect_eq(counts_of(ring, 0).free, 1, "its slot is free again");
    numbers_array(&array, &schema, 0, 10);
    array.children[0]->n_buffers = 1;
    PUT(0, EINVAL);
    cr_expect(strstr(error.message, "column \"n\""), "%s", error.message);
    numbers_array(&array, &schema, 0, 10);
    PUT(3, EINVAL);
    numbers_array(&array, &schema, 0, 10);
    forkloader_ring_stop(ring);
    PUT(0, ECANCELED);
    forkloader_ring_free(ring);
}

static void release_nulls(struct ArrowArray *array)
{
    array->release = NULL;
    atomic_fetch_add(&numbers_arrays_released, 1);
}

/* Nulls take no memory, however many there are; their numbers would. */
Test(ring, more_rows_than_can_be_numbered)
{
    struct forkloader_ring *ring = make(1, 2, 4096);
    for (int shift = 61; shift < 63; shift++) {
        const void *buffers[1] = {NULL};
        struct ArrowArray nulls = {.length = 1ll << shift,
                                   .null_count = 1ll << shift,
                                   .release = release_nulls},
                          *children[1] = {&nulls};
        struct ArrowArray array = {.length = 1ll << shift,
                                   .n_buffers = 1,
                                   .n_children = 1,
                                   .buffers = buffers,
                                   .children = children,
                                   .release = release_nulls};
        struct ArrowSchema schema;
        struct ArrowArray unused;
        numbers_array(&unused, &schema, 0, 0);
        unused.release(&unused);
        schema.children[0]->format = "n";
        cr_expect_eq(forkloader_ring_put(ring, 0, &(struct forkloader_ring_batch){0}, &array,
                                         &schema, 0, &error),
                     ENOMEM);
        cr_expect(!array.release && !schema.release);
    }
    forkloader_ring_free(ring);
}

Test(ring, a_batch_that_is_too_large)
{
    struct forkloader_ring *ring = make(1, 2, 10000);
    struct ArrowArray array;
    struct ArrowSchema schema;
    take(0, 2000, &array, &schema);
    cr_expect_eq(forkloader_ring_put(ring, 0, &(struct forkloader_ring_batch){0}, &array, &schema,
                                     0, &error),
                 ENOSPC);
    cr_expect(!array.release && !schema.release);
    cr_expect_eq(put(ring, 0, 0, 0, 1450, 0), 0, "slots are of whole pages");
    cr_expect_eq(put(ring, 0, 1, 0, 1550, 0), ENOSPC);
    cr_expect(give(ring, 0, 0));
    cr_expect_eq(counts_of(ring, 0).free, 2);
    forkloader_ring_free(ring);
}

/* The kernel's, which can be told to fail. */
static int fallocate_error, fallocate_calls;
static off_t fallocate_most;

int fallocate(int descriptor, int mode, off_t first, off_t bytes)
{
    fallocate_calls++;
    errno = bytes > fallocate_most && fallocate_most ? EINTR : fallocate_error;
    if (errno)
        return -1;
    return (int)syscall(SYS_fallocate, descriptor, mode, first, bytes);
}

Test(ring, there_is_no_memory)
{
    struct forkloader_ring *ring = make(1, 2, 1 << 20);
    fallocate_error = ENOSPC;
    cr_expect_eq(put(ring, 0, 0, 0, 1000, 0), ENOSPC);
    cr_expect(strstr(error.message, "no shared memory for a batch of ") &&
                  strstr(error.message, "No space left on device"),
              "%s", error.message);
    struct forkloader_ring *none;
    cr_expect_eq(forkloader_ring_new(&none, 1, 2, 4096, &error), ENOSPC);
    cr_expect_null(none);
    fallocate_error = 0;
    cr_expect_eq(counts_of(ring, 0).free, 2);
    cr_expect(put(ring, 0, 0, 0, 1000, 0) == 0 && give(ring, 0, 0));
    fallocate_error = ENOSPC;
    cr_expect(put(ring, 0, 0, 9, 1000, 0) == 0 && give(ring, 0, 0), "it has what it had");
    forkloader_ring_free(ring);
}

/* Kernels give up what they have done for a long fallocate when a signal comes. */
Test(ring, signals_that_come_often)
{
    struct forkloader_ring *ring = make(1, 1, 64 << 20);
    const size_t size = 50 << 20;
    const void *part = calloc(1, size);
    fallocate_most = 8 << 20;
    cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &(struct forkloader_ring_batch){0}, &part,
                                           &size, 1, 0, &error),
                 0);
    fallocate_calls = 0;
    struct got got;
    cr_assert_eq(get(ring, 0, 0, 0, &got), 0);
    let_go(&got);
    cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &(struct forkloader_ring_batch){0}, &part,
                                           &size, 1, 0, &error),
                 0);
    cr_expect_eq(fallocate_calls, 0, "its memory stays the slot's");
    free((void *)part);
    forkloader_ring_free(ring);
}

Test(ring, files_may_be_limited)
{
    struct forkloader_ring *ring = make(1, 2, 1 << 20), *none;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 16, 1 << 16});
    cr_expect_eq(forkloader_ring_new(&none, 1, 2, 1 << 20, &error), EFBIG);
    cr_expect_null(none);
    cr_expect(strstr(error.message, "File too large"), "%s", error.message);
    cr_expect(put(ring, 0, 0, 0, 15000, 0) == 0 && give(ring, 0, 0), "%s", error.message);
    forkloader_ring_free(ring);
}

Test(ring, memory_is_taken_as_it_is_needed)
{
    struct forkloader_ring *ring = make(4, 16, 1ull << 30);
    struct stat status;
    cr_assert_eq(fstat(forkloader_ring_descriptor(ring), &status), 0);
    cr_expect_gt(status.st_size, 64ll << 30);
    cr_expect_lt(status.st_blocks, 100);
    cr_assert(put(ring, 3, 0, 0, 10000, 0) == 0 && give(ring, 3, 0));
    cr_assert_eq(fstat(forkloader_ring_descriptor(ring), &status), 0);
    cr_expect_lt(status.st_blocks * 512, 200000);
    forkloader_ring_free(ring);
}

Test(ring, is_opened_by_its_descriptor)
{
    struct forkloader_ring *ring = make(1, 2, 1 << 16);
    pid_t child = fork();
    if (child == 0) {
        struct forkloader_ring *own;
        alarm(SECONDS);
        WANT(forkloader_ring_open(&own, forkloader_ring_descriptor(ring), NULL) == 0);
        WANT(forkloader_ring_descriptor(own) != forkloader_ring_descriptor(ring));
        WANT(fcntl(forkloader_ring_descriptor(own), F_GETFD) & FD_CLOEXEC);
        forkloader_ring_free(ring);
        WANT(forkloader_ring_lanes(own) == 1 && give(own, 0, 0));
        WANT(put(own, 0, 1, 4, 100, 0) == 0);
        forkloader_ring_free(own);
        _exit(0);
    }
    cr_assert_eq(put(ring, 0, 0, 0, 10, 0), 0);
    cr_expect_eq(end_of(child), 0);
    cr_expect(give(ring, 0, 1));
    forkloader_ring_free(ring);
}

Test(ring, descriptors_of_something_else)
{
    struct forkloader_ring *real = make(1, 1, 4096), *none;
    int pipes[2], others[7] = {-1,
                               999,
                               open("/dev/null", O_RDWR),
                               open("/proc/self/exe", O_RDONLY),
                               memfd_create("empty", 0),
                               memfd_create("zeros", 0)};
    cr_assert_eq(pipe(pipes), 0);
    others[6] = pipes[0];
    cr_assert_eq(ftruncate(others[5], 1 << 20), 0);
    int before = folder_size("/proc/self/fd");
    for (int i = 0; i < 7; i++) {
        cr_expect_eq(forkloader_ring_open(&none, others[i], &error), EINVAL);
        cr_expect_null(none);
        cr_expect(strstr(error.message, "is no ring of this version"));
    }
    cr_assert_eq(ftruncate(forkloader_ring_descriptor(real), 4096), 0); /* cut */
    cr_expect_eq(forkloader_ring_open(&none, forkloader_ring_descriptor(real), &error), EINVAL);
    cr_expect_eq(folder_size("/proc/self/fd"), before);
    forkloader_ring_free(real);
}

Test(ring, sizes_that_no_ring_has)
{
    static const struct {
        size_t lanes, slots;
        uint64_t bytes;
        int code;
    } wrong[] = {{0, 1, 1, EINVAL},
                 {1, 0, 1, EINVAL},
                 {1, 1, 0, EINVAL},
                 {1025, 1, 1, EINVAL},
                 {1, 1025, 1, EINVAL},
                 {1, 1, UINT64_MAX, EINVAL},
                 {1, 1, INT64_MAX, EINVAL},
                 {SIZE_MAX, SIZE_MAX, 1, EINVAL},
                 {2, 1, 1ull << 62, EOVERFLOW}};
    struct forkloader_ring *none;
    int before = folder_size("/proc/self/fd");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_eq(
            forkloader_ring_new(&none, wrong[i].lanes, wrong[i].slots, wrong[i].bytes, &error),
            wrong[i].code, "%zu: %s", i, error.message);
        cr_expect_null(none);
    }
    cr_expect_eq(forkloader_ring_new(&none, 1, 1, 1ull << 50, &error), ENOMEM);
    cr_expect_eq(folder_size("/proc/self/fd"), before);
}

Test(ring, ten_thousand_batches_leave_nothing_open)
{
    int before = folder_size("/proc/self/fd");
    struct forkloader_ring *ring = make(1, 3, 1 << 16);
    int open = folder_size("/proc/self/fd");
    for (uint64_t i = 0; i < 10000; i++) {
        cr_assert_eq(put(ring, 0, i, i, 8, 0), 0);
        cr_assert(give(ring, 0, i));
        if (i % 1000 == 0)
            cr_assert_eq(folder_size("/proc/self/fd"), open);
    }
    DIR *named = opendir("/dev/shm");
    for (struct dirent *entry; named && (entry = readdir(named));)
        cr_expect(!strstr(entry->d_name, "forkloader"));
    if (named)
        closedir(named);
    forkloader_ring_free(ring);
    cr_expect_eq(folder_size("/proc/self/fd"), before);
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
    struct forkloader_ring *ring = make(1, 4, 1 << 16);
    struct got got[3];
    for (uint64_t i = 0; i < 3; i++)
        cr_assert(put(ring, 0, i, i, 500, 0) == 0 && get(ring, 0, i, 0, &got[i]) == 0);
    forkloader_ring_free(ring);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(mappings(), 1);
        cr_expect(is_right(&got[i]));
        let_go(&got[i]);
    }
    cr_expect_eq(mappings(), 0);
}

Test(ring, a_view_can_be_put_into_another_ring)
{
    struct forkloader_ring *ring = make(1, 2, 1 << 16), *other = make(1, 2, 1 << 16);
    struct got got;
    cr_assert(put(ring, 0, 0, 40, 500, 0) == 0 && get(ring, 0, 0, 0, &got) == 0);
    cr_assert_eq(forkloader_ring_put(other, 0, &got.batch, &got.array, &got.schema, 0, NULL), 0);
    cr_expect_eq(counts_of(ring, 0).free, 2);
    cr_expect(give(other, 0, 0));
    forkloader_ring_free(ring);
    forkloader_ring_free(other);
}

Test(ring, bytes_come_as_they_were_put)
{
    struct forkloader_ring *ring = make(1, 2, 1 << 16);
    char text[] = "some text", large[1000];
    const void *const parts[] = {text, NULL, large, text};
    const size_t sizes[] = {10, 0, 1000, 3}, huge[] = {SIZE_MAX, SIZE_MAX / 2};
    struct forkloader_ring_batch batch = {.sequence = 4, .values = {1, 2, 3, 4}};
    struct got got;
    memset(large, 'x', sizeof large);
    for (int copy = 0; copy < 2; copy++) {
        cr_assert_eq(forkloader_ring_put_bytes(ring, 0, &batch, parts, sizes, 4, 0, &error), 0);
        if (copy)
            cr_assert_eq(put(ring, 0, 5, 0, 1, 0), 0);
        struct got other;
        if (copy)
            cr_assert_eq(get(ring, 0, 5, 0, &other), 0);
        cr_assert_eq(get(ring, 0, 4, 0, &got), 0);
        const char *bytes = got.array.buffers[1];
        cr_expect_str_eq(got.schema.format, "C");
        cr_expect(got.batch.values[3] == 4 && got.batch.is_copy == (uint32_t)copy);
        cr_expect(got.array.null_count == 0 && got.array.n_buffers == 2 && !got.array.buffers[0]);
        cr_expect_eq(got.array.length, 64 + 1024 + 3, "it ends with the last part");
        cr_expect_eq(memcmp(bytes, text, 10), 0);
        cr_expect_eq(memcmp(bytes + 64, large, 1000), 0);
        cr_expect_eq(memcmp(bytes + 64 + 1024, text, 3), 0);
        let_go(&got);
        if (copy)
            let_go(&other);
    }
    cr_assert_eq(forkloader_ring_put_bytes(ring, 0, &batch, NULL, NULL, 0, 0, &error), 0);
    cr_assert_eq(get(ring, 0, 4, 0, &got), 0);
    cr_expect(got.array.length == 0 && strcmp(got.schema.format, "C") == 0);
    let_go(&got);
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &batch, parts, huge + i, 1, 0, &error),
                     ENOSPC);
    for (size_t less = 10; less < 300; less += 190) {
        const size_t both[] = {SIZE_MAX - less, 300};
        cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &batch, parts, both, 2, 0, &error), ENOSPC);
    }
    cr_expect_eq(counts_of(ring, 0).free, 2);
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
        reader->wrong += !give(reader->ring, 0, i);
    return NULL;
}

Test(ring, two_threads_may_read)
{
    struct forkloader_ring *ring = make(1, 4, 1 << 16);
    struct reader readers[2] = {{ring, 0, 0}, {ring, 1, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_every_other, &readers[i]), 0);
    for (uint64_t i = 0; i < 3000; i++)
        cr_assert_eq(put(ring, 0, i, i, 20, -1), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(readers[i].wrong, 0);
    }
    cr_expect_eq(counts_of(ring, 0).free, 4);
    forkloader_ring_free(ring);
}

enum { EACH = 10000, HELD = 3 };

Test(ring, two_writers_and_a_reader)
{
    struct forkloader_ring *ring = make(2, HELD, 1 << 14);
    pid_t writers[2];
    for (size_t lane = 0; lane < 2; lane++) {
        writers[lane] = fork();
        if (writers[lane] == 0) {
            alarm(SECONDS);
            for (uint64_t i = 0; i < EACH; i++)
                WANT(put(ring, lane, i, (i * 31 + lane) % 10000, i % 100, -1) == 0);
            _exit(0);
        }
    }
    struct got kept[2 * HELD] = {0};
    for (uint64_t i = 0; i < 2 * EACH; i++) {
        struct got *got = &kept[i * 7 % (2 * HELD)];
        if (got->array.release) {
            cr_assert(is_right(got), "it was written to while it was held");
            let_go(got);
        }
        cr_assert_eq(get(ring, i % 2, i / 2, -1, got), 0);
        cr_assert(is_right(got));
        cr_assert_eq(got->batch.values[0], (i / 2 * 31 + i % 2) % 10000);
    }
    for (int i = 0; i < 2 * HELD; i++)
        if (kept[i].array.release)
            let_go(&kept[i]);
    for (size_t lane = 0; lane < 2; lane++) {
        cr_expect_eq(end_of(writers[lane]), 0);
        cr_expect_eq(counts_of(ring, lane).batches, EACH);
        cr_expect_eq(counts_of(ring, lane).free, HELD);
    }
    forkloader_ring_free(ring);
}
