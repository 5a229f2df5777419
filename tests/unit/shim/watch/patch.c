/*
 * Tests of shim/watch/patch.c, over tables of these tests' own: pages of slots, as a loader leaves
 * them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/watch/patch.h"

#include "shim/base/self.h"
#include "shim/libraries/objects.h"
#include "shim/libraries/probe.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"
#include "shim/watch/got.h"
#include "shim/watch/watched.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

FP_THREAD struct fp_self fp_self;

/* What takes the place of libc's functions: only its address matters. */
#define STANDS_IN(name) __asm__(".text\n.globl " #name "\n" #name ":\n\tret\n")
#define FP_TIMED(name, wait, parameters, arguments) STANDS_IN(fp_watched_##name);
#include "shim/watch/timed_waits.def"
#undef FP_TIMED
#define FP_GIL_CALL(type, name, parameters) STANDS_IN(fp_watched_##name);
#include "shim/watch/gil_calls.def"
#undef FP_GIL_CALL
#define FP_REGION(name, parameters, arguments, most) STANDS_IN(fp_watched_##name);
#include "shim/watch/omp_regions.def"
#undef FP_REGION
STANDS_IN(fp_watched_sem_init);
STANDS_IN(fp_watched_sem_post);
STANDS_IN(fp_watched_sem_wait);
STANDS_IN(fp_watched_sem_clockwait);
STANDS_IN(fp_watched_sem_timedwait);
STANDS_IN(fp_watched_cond_wait);
STANDS_IN(fp_watched_mutex_lock);
STANDS_IN(fp_watched_rdlock);
STANDS_IN(fp_watched_wrlock);
STANDS_IN(fp_watched_join);
STANDS_IN(fp_watched_mtx_lock);
STANDS_IN(fp_watched_mtx_timedlock);
STANDS_IN(fp_watched_cnd_wait);
STANDS_IN(fp_watched_cnd_timedwait);
STANDS_IN(fp_watched_thrd_join);
STANDS_IN(fp_watched_barrier_wait);
STANDS_IN(fp_watched_cond_signal);
STANDS_IN(fp_watched_cnd_signal);
STANDS_IN(fp_watched_cnd_broadcast);
STANDS_IN(fp_watched_cond_broadcast);
STANDS_IN(fp_watched_cond_destroy);
STANDS_IN(fp_watched_epoll_wait);
STANDS_IN(fp_watched_syscall);
STANDS_IN(fp_watched_prctl);
STANDS_IN(fp_watched_sigaction);
STANDS_IN(fp_watched_signal);
STANDS_IN(fp_watched_sysv_signal);
STANDS_IN(fp_watched_siginterrupt);
STANDS_IN(fp_used_syscall);
STANDS_IN(fp_used_write);
STANDS_IN(fp_used_cond_signal);
STANDS_IN(fp_used_cond_broadcast);
STANDS_IN(fp_used_sem_post);

/* Two libraries; the runtime of the second one was lost. */
enum { OTHER, LOST };
static const struct fp_object objects[] = {{.name = "libother.so"}, {.name = "liblost.so"}};

size_t fp_objects_count(void)
{
    return 2;
}

const struct fp_object *fp_object_at(size_t place)
{
    return &objects[place];
}

bool fp_lost_is_library(const char *dso)
{
    return strcmp(dso, "liblost.so") == 0;
}

static bool awaits_gil;

bool fp_origin_awaits_gil(void)
{
    return awaits_gil;
}

static struct fp_slot slots[8];
static size_t count;
static bool has_gone; /* a library that held slots */

struct fp_slots fp_got_slots(void)
{
    return (struct fp_slots){.count = count, .slots = slots, .is_certain = !has_gone};
}

bool fp_got_may_write(const struct fp_slots *all, const struct fp_slot *slot)
{
    return all->is_certain && *slot->where == slot->found;
}

static char in_libc;
static void *real = &in_libc;
static int scans, opened;
static void *library = &in_libc;

static void *open_library(const char *path, int mode)
{
    (void)path, (void)mode;
    opened++;
    cr_assert_eq(fp_self.inside, path && strcmp(path, "inside/liba.so") == 0 ? 1 : 0);
    return library;
}

void *fp_got_real(enum fp_watched watched)
{
    return watched == FP_WATCHED_dlopen ? (void *)open_library : real;
}

void fp_got_scan_and(void (*work)(void))
{
    scans++;
    cr_assert_eq(fp_self.inside, 1);
    work();
}

/* Pages as the loader leaves them. */
static size_t size;
static void **writable, **closed, **gone;

static void begin(void)
{
    size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 3 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    writable = (void **)(void *)pages;
    closed = (void **)(void *)(pages + size);
    gone = (void **)(void *)(pages + 2 * size);
    fp_patch_init();
}

TestSuite(patch, .init = begin);

static void *add(void **where, enum fp_watched watched, uint16_t object, bool is_protected)
{
    slots[count++] = (struct fp_slot){.where = where,
                                      .found = real,
                                      .watched = (uint8_t)watched,
                                      .object = object,
                                      .is_protected = is_protected};
    return *where = real;
}

static void close_pages(void)
{
    mprotect(closed, size, PROT_READ);
    mprotect(gone, size, PROT_NONE);
}

Test(patch, every_library)
{
    add(&writable[0], FP_WATCHED_sem_wait, OTHER, false);
    add(&writable[1], FP_WATCHED_sem_wait, LOST, false);
    add(&writable[2], FP_WATCHED_GOMP_parallel, OTHER, false);
    fp_patch_child();
    cr_assert_eq(writable[0], (void *)fp_watched_sem_wait);
    cr_assert_eq(writable[1], (void *)fp_watched_sem_wait);
    cr_assert_eq(writable[2], (void *)fp_watched_GOMP_parallel);
}

Test(patch, lost_libraries)
{
    add(&writable[0], FP_WATCHED_syscall, OTHER, false);
    add(&writable[1], FP_WATCHED_syscall, LOST, false);
    add(&writable[2], FP_WATCHED_write, OTHER, false);
    add(&writable[3], FP_WATCHED_write, LOST, false);
    fp_patch_child();
    cr_assert_eq(writable[0], (void *)fp_watched_syscall);
    cr_assert_eq(writable[1], (void *)fp_used_syscall);
    cr_assert_eq(writable[2], real, "left alone");
    cr_assert_eq(writable[3], (void *)fp_used_write);
}

Test(patch, what_takes_the_gil)
{
    add(&writable[0], FP_WATCHED_PyGILState_Ensure, OTHER, false);
    fp_patch_child();
    cr_assert_eq(writable[0], real, "left alone");
    awaits_gil = true;
    fp_patch_child();
    cr_assert_eq(writable[0], (void *)fp_watched_PyGILState_Ensure);
}

Test(patch, what_somebody_else_put_there)
{
    add(&writable[0], FP_WATCHED_sem_wait, OTHER, false);
    writable[0] = &count;
    fp_patch_child();
    cr_assert_eq(writable[0], &count);
    writable[0] = real;
    has_gone = true;
    fp_patch_child();
    cr_assert_eq(writable[0], real);
}

/* A library whose runtime is lost by a later fork: the watch's own slot is its to change. */
Test(patch, lost_later)
{
    add(&writable[0], FP_WATCHED_syscall, LOST, false);
    writable[0] = (void *)fp_watched_syscall;
    fp_patch_child();
    cr_assert_eq(writable[0], (void *)fp_used_syscall);
}

Test(patch, read_only_pages)
{
    add(&closed[0], FP_WATCHED_sem_wait, OTHER, true);
    add(&closed[1], FP_WATCHED_sem_init, OTHER, true);
    add(&writable[0], FP_WATCHED_sem_wait, OTHER, false);
    close_pages();
    fp_patch_child();
    cr_assert_eq(closed[0], (void *)fp_watched_sem_wait);
    cr_assert_eq(closed[1], (void *)fp_watched_sem_init);
    cr_assert_eq(writable[0], (void *)fp_watched_sem_wait);
    cr_assert_not(fp_probe_write(&closed[0]), "read-only again");
    cr_assert(fp_probe_write(&writable[0]));
}

Test(patch, last_page_is_closed_too)
{
    add(&closed[0], FP_WATCHED_sem_wait, OTHER, true);
    close_pages();
    fp_patch_child();
    cr_assert_not(fp_probe_write(&closed[0]));
    fp_patch_undo();
    cr_assert_eq(closed[0], real);
    cr_assert_not(fp_probe_write(&closed[0]));
}

/* Somebody else has made it read-only. */
Test(patch, pages_that_others_closed)
{
    add(&closed[0], FP_WATCHED_sem_wait, OTHER, false);
    close_pages();
    fp_patch_child();
    cr_assert_eq(closed[0], real);
}

Test(patch, pages_that_are_gone)
{
    add(&gone[0], FP_WATCHED_sem_wait, OTHER, true);
    add(&writable[0], FP_WATCHED_sem_wait, OTHER, false);
    close_pages();
    errno = 5;
    fp_patch_child();
    fp_patch_undo();
    cr_assert_eq(errno, 5);
    cr_assert_eq(writable[0], real);
}

Test(patch, undo)
{
    add(&writable[0], FP_WATCHED_sem_wait, OTHER, false);
    add(&writable[1], FP_WATCHED_syscall, LOST, false);
    add(&writable[2], FP_WATCHED_sem_init, OTHER, false);
    fp_patch_child();
    writable[2] = &count;
    fp_patch_undo();
    cr_assert_eq(writable[0], real);
    cr_assert_eq(writable[1], real);
    cr_assert_eq(writable[2], &count);
    fp_patch_child();
    slots[0].found = &size; /* an OpenMP region: libc has none of that name */
    real = NULL;
    fp_patch_undo();
    cr_assert_eq(writable[0], &size);
}

Test(patch, libraries_that_come_later)
{
    add(&writable[0], FP_WATCHED_sem_wait, OTHER, false);
    cr_assert_eq(fp_watched_dlopen("/lib/liba.so", 0), library);
    cr_assert_eq(scans, 1);
    cr_assert_eq(writable[0], (void *)fp_watched_sem_wait);
    cr_assert_eq(fp_self.inside, 0);
    library = NULL;
    fp_watched_dlopen("/lib/missing.so", 0);
    cr_assert_eq(scans, 1, "nothing has come");
}

/* The loader must see the caller itself. */
Test(patch, names_that_the_loader_searches)
{
    fp_watched_dlopen(NULL, 0);
    fp_watched_dlopen("liba.so", 0);
    fp_watched_dlopen("$ORIGIN/liba.so", 0);
    fp_self.inside = 1;
    fp_watched_dlopen("inside/liba.so", 0);
    cr_assert_eq(opened, 4);
    cr_assert_eq(scans, 0);
}
