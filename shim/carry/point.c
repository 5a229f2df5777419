/* See point.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/point.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/clock.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

FP_LARGE static struct fp_point points[FP_THREADS_MAX];

FP_THREAD struct fp_point *fp_point_own;

/* The gate counts how often it was opened, above these. */
enum { CLOSED = 1, HELD = 2 };
static _Atomic uint32_t gate;
static _Atomic bool is_barred; /* in a child: who has stopped there has to end */
static _Atomic bool hurries;

FP_CHILD struct fp_point *fp_point_of(const struct fp_thread_slot *slot)
{
    return &points[fp_table_index(slot)];
}

void fp_gate_close(void)
{
    atomic_fetch_or(&gate, CLOSED);
}

FP_CHILD void fp_gate_hold(void)
{
    atomic_fetch_or(&gate, HELD);
}

FP_CHILD void fp_gate_open(void)
{
    atomic_store(&gate, (atomic_load(&gate) | CLOSED | HELD) + 1);
    syscall(SYS_futex, &gate, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

FP_CHILD void fp_gate_child(void)
{
    atomic_store(&gate, 0);
    atomic_store(&is_barred, false);
    atomic_store(&hurries, false);
}

FP_CHILD void fp_gate_decide(bool go_on)
{
    atomic_store(&is_barred, !go_on);
    fp_gate_open();
}

FP_CHILD enum fp_point_object fp_point_object(const struct fp_point *point)
{
    switch (point->kind) {
#define FP_WAIT_POINT(KIND, object, ...) \
    case FP_POINT_##KIND:                \
        return object;
#include "shim/carry/waits.def"
#undef FP_WAIT_POINT
    case FP_POINT_CXX:
        return FP_ON_CONDITION;
    default:
        return FP_ON_WORD;
    }
}

FP_CHILD pthread_mutex_t *fp_point_mutex(const struct fp_point *point)
{
    if (point->kind == FP_POINT_CXX) /* std::unique_lock begins with the address of its mutex */
        return *(pthread_mutex_t **)point->arguments[1];
    return fp_point_object(point) == FP_ON_CONDITION ? (pthread_mutex_t *)point->arguments[1]
                                                     : NULL;
}

bool fp_point_is_timed(const struct fp_point *point)
{
    switch (point->kind) {
    case FP_POINT_CONDITION:
    case FP_POINT_CXX:
    case FP_POINT_SEMAPHORE:
        return false;
    case FP_POINT_EPOLL:
        return (int)point->arguments[3] >= 0;
    case FP_POINT_FUTEX:
        return point->arguments[4] != 0;
    default:
        return true;
    }
}

static void stop(uint32_t seen, const struct timespec *limit)
{
    int saved = errno;
    syscall(SYS_futex, &gate, FUTEX_WAIT_PRIVATE, seen, limit, NULL, 0);
    errno = saved;
}

/* Whoever holds the gate looks at the states next; whoever wakes has written its state first. */
void fp_gate_pass(void)
{
    uint32_t seen;
    while ((seen = atomic_load(&gate)) & HELD)
        stop(seen, NULL);
}

void fp_gate_pass_late(void)
{
    enum { SECOND = 1000000 };
    const struct timespec limit = {.tv_sec = 1};
    uint32_t seen = atomic_load(&gate);
    uint64_t end = seen & CLOSED ? fp_microseconds() + SECOND : 0;
    while ((seen & CLOSED && fp_microseconds() < end) || seen & HELD) {
        stop(seen, seen & HELD ? NULL : &limit);
        seen = atomic_load(&gate);
    }
}

void fp_gate_hurry(bool is_asked)
{
    atomic_store(&hurries, is_asked);
}

bool fp_gate_hurries(void)
{
    return atomic_load(&hurries);
}

bool fp_gate_admits(void)
{
    fp_gate_pass();
    return !atomic_load(&is_barred);
}
