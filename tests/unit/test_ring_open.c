/* Tests of loader/transport/ring.c: descriptors and sizes. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/rings.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

Test(ring, is_opened_by_its_descriptor)
{
    struct forkloader_ring *ring = ring_make(1, 2, 1 << 16);
    pid_t child = fork();
    if (child == 0) {
        struct forkloader_ring *own;
        alarm(SECONDS);
        WANT(forkloader_ring_open(&own, forkloader_ring_descriptor(ring), NULL) == 0);
        WANT(forkloader_ring_descriptor(own) != forkloader_ring_descriptor(ring));
        WANT(fcntl(forkloader_ring_descriptor(own), F_GETFD) & FD_CLOEXEC);
        forkloader_ring_free(ring);
        WANT(forkloader_ring_lanes(own) == 1 && ring_give(own, 0, 0));
        WANT(ring_put(own, 0, 1, 4, 100, 0) == 0);
        forkloader_ring_free(own);
        _exit(0);
    }
    cr_assert_eq(ring_put(ring, 0, 0, 0, 10, 0), 0);
    cr_expect_eq(end_of(child), 0);
    cr_expect(ring_give(ring, 0, 1));
    forkloader_ring_free(ring);
}

Test(ring, descriptors_of_something_else)
{
    struct forkloader_ring *real = ring_make(1, 1, 4096), *none;
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
        cr_expect(strstr(error.message, "is not a ring of this version"));
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
    struct forkloader_ring *ring = ring_make(1, 3, 1 << 16);
    int open = folder_size("/proc/self/fd");
    for (uint64_t i = 0; i < 10000; i++) {
        cr_assert_eq(ring_put(ring, 0, i, i, 8, 0), 0);
        cr_assert(ring_give(ring, 0, i));
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
