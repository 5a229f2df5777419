/* See waits.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/waits.h"

#include "shim/carry/libc.h"
#include "shim/threads/origin.h"
#include "shim/watch/got.h"
#include "shim/watch/watched.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef void cleanup_push(struct _pthread_cleanup_buffer *, void (*)(void *), void *);
typedef void cleanup_pop(struct _pthread_cleanup_buffer *, int);

static cleanup_push *push;
static cleanup_pop *pop;
static void (*cxx_wait)(void *condition, void *lock);

extern __typeof(dlvsym) dlvsym __attribute__((weak)); /* musl has none */

bool fp_waits_init(void)
{
    if (!dlvsym)
        return false;
    *(void **)&push = dlvsym(RTLD_DEFAULT, "_pthread_cleanup_push", "GLIBC_2.2.5");
    *(void **)&pop = dlvsym(RTLD_DEFAULT, "_pthread_cleanup_pop", "GLIBC_2.2.5");
    return push && pop && REAL(pthread_cond_wait) && REAL(sem_wait) && REAL(pthread_mutex_lock);
}

void fp_waits_set_cxx(void *function)
{
    *(void **)&cxx_wait = function;
}

static void nothing(void *unused)
{
    (void)unused;
}

static long call_libc(const struct fp_point *point)
{
    const long *a = point->arguments;
    switch (point->kind) {
    case FP_POINT_CONDITION:
        return REAL(pthread_cond_wait)((pthread_cond_t *)a[0], (pthread_mutex_t *)a[1]);
    case FP_POINT_CXX:
        cxx_wait((void *)a[0], (void *)a[1]);
        return 0;
    case FP_POINT_SEMAPHORE:
        return REAL(sem_wait)((sem_t *)a[0]);
    default:
        return syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    }
}

/*
 * While it waits, libc keeps a cleanup of its own in the thread's descriptor. What was there before
 * is noted, by the same function as libc's, for the thread that comes back in a child.
 */
long fp_wait_here(struct fp_point *point)
{
    struct _pthread_cleanup_buffer buffer;
    if (point->stack > point->home) {
        point->home = point->stack;
        point->home_caller = point->caller;
    }
    point->waits++;
    push(&buffer, nothing, NULL);
    point->cleanup = buffer.__prev;
    atomic_store(&point->state, FP_POINT_WAITS);
    long result = call_libc(point);
    atomic_store(&point->state, FP_POINT_RUNS);
    fp_gate_pass();
    pop(&buffer, 0);
    return result;
}

/* In a child: libc's wait is over for no reason, which conditions allow; others begin anew. */
long fp_wait_again(struct fp_point *point)
{
    struct _pthread_cleanup_buffer buffer = {.__prev = point->cleanup};
    pthread_mutex_t *mutex = fp_point_mutex(point);
    atomic_store(&point->state, FP_POINT_RUNS);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    pop(&buffer, 0);
    fp_libc_thread_begins(point);
    if (!mutex)
        return fp_wait_here(point);
    REAL(pthread_mutex_lock)(mutex);
    return 0;
}

/* Not the thread's own wait: it stands in another library's, or in a signal handler. */
static struct fp_point *own_point(void)
{
    struct fp_point *point = fp_point_own;
    return point && atomic_load_explicit(&point->state, memory_order_relaxed) == FP_POINT_RUNS
               ? point
               : NULL;
}

static long enter(struct fp_point *point, const void *caller)
{
    point->caller = caller;
    if (!point->is_captured) {
        sigaltstack(NULL, &point->alternate);
        point->is_captured = true;
    }
    return fp_point_enter(point);
}

int fp_carried_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    struct fp_point *point = own_point();
    if (!point)
        return fp_origin_is_watched() ? fp_watched_cond_wait(condition, mutex)
                                      : REAL(pthread_cond_wait)(condition, mutex);
    point->kind = FP_POINT_CONDITION;
    point->arguments[0] = (long)condition;
    point->arguments[1] = (long)mutex;
    return (int)enter(point, __builtin_return_address(0));
}

void fp_carried_cxx_wait(void *condition, void *lock)
{
    struct fp_point *point = own_point();
    if (!point) {
        cxx_wait(condition, lock);
        return;
    }
    point->kind = FP_POINT_CXX;
    point->arguments[0] = (long)condition;
    point->arguments[1] = (long)lock;
    enter(point, __builtin_return_address(0));
}

int fp_carried_sem_wait(sem_t *semaphore)
{
    struct fp_point *point = own_point();
    if (!point)
        return fp_origin_is_watched() ? fp_watched_sem_wait(semaphore) : REAL(sem_wait)(semaphore);
    point->kind = FP_POINT_SEMAPHORE;
    point->arguments[0] = (long)semaphore;
    return (int)enter(point, __builtin_return_address(0));
}

static bool is_wait(long number, long operation)
{
    operation &= ~(long)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    return number == SYS_futex && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET);
}

long fp_carried_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    struct fp_point *point = is_wait(number, b) ? own_point() : NULL;
    if (!point)
        return fp_origin_is_watched() ? fp_watched_syscall(number, a, b, c, d, e, f)
                                      : syscall(number, a, b, c, d, e, f);
    const long arguments[7] = {number, a, b, c, d, e, f};
    point->kind = FP_POINT_FUTEX;
    memcpy(point->arguments, arguments, sizeof arguments);
    return enter(point, __builtin_return_address(0));
}
