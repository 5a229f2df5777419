/* See waits.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/waits.h"

#include "shim/base/clock.h"
#include "shim/carry/libc.h"
#include "shim/threads/origin.h"
#include "shim/watch/got.h"
#include "shim/watch/watched.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FUTEX_FLAGS (long)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)

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
#define FP_WAIT_POINT(KIND, object, function, ...) &&REAL(function)
    return push && pop && REAL(pthread_mutex_lock)
#include "shim/carry/waits.def"
        ;
#undef FP_WAIT_POINT
}

void fp_waits_set_cxx(void *function)
{
    *(void **)&cxx_wait = function;
}

/* Also where the thread is cancelled. */
static void leave(void *context)
{
    struct fp_point *point = context;
    atomic_store(&point->state, FP_POINT_RUNS);
    fp_gate_pass();
}

static long call_noted(const struct fp_point *point)
{
    const long *a = point->arguments;
    switch (point->kind) {
#define AT(i, type) ((type)a[i])
#define FP_WAIT_POINT(KIND, object, function, stand_in, parameters, arguments, noted, ...) \
    case FP_POINT_##KIND:                                                                  \
        return REAL(function) noted;
#include "shim/carry/waits.def"
#undef FP_WAIT_POINT
    case FP_POINT_CXX:
        cxx_wait((void *)a[0], (void *)a[1]);
        return 0;
    default:
        return syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
    }
}

/* A timer that was called off would keep the loop from resting until its time: where a fork asks,
   the wait is interrupted, as by a signal, and the loop finds out what it has to wait for. */
static long wait_in_slices(const struct fp_point *point)
{
    enum { SLICE = 50 };
    const long *a = point->arguments;
    uint64_t end = fp_microseconds() + (uint64_t)a[3] * 1000, now;
    while ((now = fp_microseconds()) + SLICE * 1000 < end) {
        int ready = REAL(epoll_wait)((int)a[0], (struct epoll_event *)a[1], (int)a[2], SLICE);
        if (ready != 0)
            return ready;
        if (fp_gate_hurries()) {
            errno = EINTR;
            return -1;
        }
    }
    int left = now < end ? (int)((end - now + 999) / 1000) : 0;
    return REAL(epoll_wait)((int)a[0], (struct epoll_event *)a[1], (int)a[2], left);
}

static long call_libc(const struct fp_point *point)
{
    bool is_timer = point->kind == FP_POINT_EPOLL && fp_point_is_timed(point);
    return is_timer && point->is_tried ? wait_in_slices(point) : call_noted(point);
}

static void note_place(struct fp_point_place *outermost, const struct fp_point *point)
{
    if (point->stack > outermost->stack)
        *outermost = (struct fp_point_place){point->stack, point->caller};
}

/* Nobody has woken the thread, and it holds no lock for which it has waited: in a child the wait
   begins anew, and ends at once. */
static bool has_expired(const struct fp_point *point, long result)
{
    return result == -1 && errno == ETIMEDOUT && fp_point_is_timed(point);
}

/*
 * While it waits, libc keeps a cleanup of its own in the thread's descriptor. What was there before
 * is noted, by the same function as libc's, for the thread that comes back in a child.
 */
long fp_wait_here(struct fp_point *point)
{
    struct _pthread_cleanup_buffer buffer;
    if (!point->waits)
        note_place(&point->first, point);
    note_place(&point->home, point);
    if (fp_point_is_timed(point))
        note_place(&point->timed_home, point);
    point->waits++;
    push(&buffer, leave, point);
    point->cleanup = buffer.__prev;
    atomic_store(&point->state, FP_POINT_WAITS);
    long result = call_libc(point);
    if (has_expired(point, result)) {
        atomic_store(&point->state, FP_POINT_EXPIRED);
        fp_gate_pass_late();
    }
    pop(&buffer, 1);
    return result;
}

/* FUTEX_WAIT is told how long, and not until when. */
static bool is_told_how_long(const struct fp_point *point)
{
    return point->kind == FP_POINT_FUTEX && point->arguments[4] &&
           (point->arguments[2] & ~FUTEX_FLAGS) == FUTEX_WAIT;
}

/* In a child: such a wait lasts for what is left of it. */
static void shorten(struct fp_point *point)
{
    enum { SECOND = 1000000000, MICROSECONDS = 1000000 };
    uint64_t now = fp_microseconds(), gone = now - point->begun;
    struct timespec left = *(const struct timespec *)point->arguments[4];
    left.tv_sec -= (time_t)(gone / MICROSECONDS);
    left.tv_nsec -= (long)(gone % MICROSECONDS) * 1000;
    if (left.tv_nsec < 0) {
        left.tv_sec--;
        left.tv_nsec += SECOND;
    }
    point->left = left.tv_sec < 0 ? (struct timespec){0, 0} : left;
    point->arguments[4] = (long)&point->left;
    point->begun = now;
}

/* In a child: libc's wait is over for no reason, which conditions allow; others begin anew. */
long fp_wait_again(struct fp_point *point)
{
    struct _pthread_cleanup_buffer buffer = {.__prev = point->cleanup};
    if (!fp_gate_admits())
        syscall(SYS_exit, 0); /* nothing of libc's: it has never been in this process */
    pthread_mutex_t *mutex = fp_point_mutex(point);
    atomic_store(&point->state, FP_POINT_RUNS);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    pop(&buffer, 0);
    fp_libc_thread_begins(point);
    if (is_told_how_long(point))
        shorten(point);
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

static long enter(struct fp_point *point, enum fp_point_kind kind, const long *arguments,
                  size_t bytes, const void *caller)
{
    point->kind = kind;
    memcpy(point->arguments, arguments, bytes);
    point->caller = caller;
    if (!point->is_captured) {
        sigaltstack(NULL, &point->alternate);
        point->is_captured = true;
    }
    return fp_point_enter(point);
}

#define FP_WAIT_POINT(KIND, object_, function, stand_in, parameters, given, noted, ...) \
    int fp_carried_##function parameters                                                \
    {                                                                                   \
        struct fp_point *point = own_point();                                           \
        const long arguments[] = {__VA_ARGS__};                                         \
        if (!point)                                                                     \
            return fp_origin_is_watched() ? stand_in given : REAL(function) given;      \
        return (int)enter(point, FP_POINT_##KIND, arguments, sizeof arguments, CALLER); \
    }
#include "shim/carry/waits.def"
#undef FP_WAIT_POINT

void fp_carried_cxx_wait(void *condition, void *lock)
{
    struct fp_point *point = own_point();
    const long arguments[] = {(long)condition, (long)lock};
    if (point)
        enter(point, FP_POINT_CXX, arguments, sizeof arguments, CALLER);
    else
        cxx_wait(condition, lock);
}

static bool is_wait(long number, long operation)
{
    operation &= ~FUTEX_FLAGS;
    return number == SYS_futex && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET);
}

long fp_carried_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    struct fp_point *point = is_wait(number, b) ? own_point() : NULL;
    if (!point)
        return fp_origin_is_watched() ? fp_watched_syscall(number, a, b, c, d, e, f)
                                      : syscall(number, a, b, c, d, e, f);
    const long arguments[7] = {number, a, b, c, d, e, f};
    if (d)
        point->begun = fp_microseconds();
    return enter(point, FP_POINT_FUTEX, arguments, sizeof arguments, CALLER);
}
