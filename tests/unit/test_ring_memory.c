/* Tests of loader/transport/ring*.c: memory, and batches that do not fit.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/rings.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Every way that a batch of somebody else's can go: its release is called once. */
Test(ring, what_is_put_is_released_once)
{
    struct forkloader_ring *ring = ring_make(1, 2, 4096);
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
    cr_expect_eq(ring_counts_of(ring, 0).free, 1, "its slot is free again");
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
    struct forkloader_ring *ring = ring_make(1, 2, 4096);
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
    struct forkloader_ring *ring = ring_make(1, 2, 10000);
    struct ArrowArray array;
    struct ArrowSchema schema;
    ring_take(0, 2000, &array, &schema);
    cr_expect_eq(forkloader_ring_put(ring, 0, &(struct forkloader_ring_batch){0}, &array, &schema,
                                     0, &error),
                 ENOSPC);
    cr_expect(!array.release && !schema.release);
    cr_expect_eq(ring_put(ring, 0, 0, 0, 1450, 0), 0, "slots are of whole pages");
    cr_expect_eq(ring_put(ring, 0, 1, 0, 1550, 0), ENOSPC);
    cr_expect(ring_give(ring, 0, 0));
    cr_expect_eq(ring_counts_of(ring, 0).free, 2);
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
    struct forkloader_ring *ring = ring_make(1, 2, 1 << 20);
    fallocate_error = ENOSPC;
    cr_expect_eq(ring_put(ring, 0, 0, 0, 1000, 0), ENOSPC);
    cr_expect(strstr(error.message, "no shared memory for a batch of ") &&
                  strstr(error.message, "No space left on device"),
              "%s", error.message);
    struct forkloader_ring *none;
    cr_expect_eq(forkloader_ring_new(&none, 1, 2, 4096, &error), ENOSPC);
    cr_expect_null(none);
    fallocate_error = 0;
    cr_expect_eq(ring_counts_of(ring, 0).free, 2);
    cr_expect(ring_put(ring, 0, 0, 0, 1000, 0) == 0 && ring_give(ring, 0, 0));
    fallocate_error = ENOSPC;
    cr_expect(ring_put(ring, 0, 0, 9, 1000, 0) == 0 && ring_give(ring, 0, 0), "it has what it had");
    forkloader_ring_free(ring);
}

/* Kernels give up what they have done for a long fallocate when a signal comes. */
Test(ring, signals_that_come_often)
{
    struct forkloader_ring *ring = ring_make(1, 1, 64 << 20);
    const size_t size = 50 << 20;
    const void *part = calloc(1, size);
    fallocate_most = 8 << 20;
    cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &(struct forkloader_ring_batch){0}, &part,
                                           &size, 1, 0, &error),
                 0);
    fallocate_calls = 0;
    struct got got;
    cr_assert_eq(ring_get(ring, 0, 0, 0, &got), 0);
    ring_let_go(&got);
    cr_expect_eq(forkloader_ring_put_bytes(ring, 0, &(struct forkloader_ring_batch){0}, &part,
                                           &size, 1, 0, &error),
                 0);
    cr_expect_eq(fallocate_calls, 0, "its memory stays the slot's");
    free((void *)part);
    forkloader_ring_free(ring);
}

Test(ring, files_may_be_limited)
{
    struct forkloader_ring *ring = ring_make(1, 2, 1 << 20), *none;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 16, 1 << 16});
    cr_expect_eq(forkloader_ring_new(&none, 1, 2, 1 << 20, &error), EFBIG);
    cr_expect_null(none);
    cr_expect(strstr(error.message, "File too large"), "%s", error.message);
    cr_expect(ring_put(ring, 0, 0, 0, 15000, 0) == 0 && ring_give(ring, 0, 0), "%s", error.message);
    forkloader_ring_free(ring);
}

Test(ring, memory_is_taken_as_it_is_needed)
{
    struct forkloader_ring *ring = ring_make(4, 16, 1ull << 30);
    struct stat status;
    cr_assert_eq(fstat(forkloader_ring_descriptor(ring), &status), 0);
    cr_expect_gt(status.st_size, 64ll << 30);
    cr_expect_lt(status.st_blocks, 100);
    cr_assert(ring_put(ring, 3, 0, 0, 10000, 0) == 0 && ring_give(ring, 3, 0));
    cr_assert_eq(fstat(forkloader_ring_descriptor(ring), &status), 0);
    cr_expect_lt(status.st_blocks * 512, 200000);
    forkloader_ring_free(ring);
}
