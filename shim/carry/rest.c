/* See rest.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/carry/rest.h"

#include "common/files.h"
#include "shim/base/child_section.h"
#include "shim/base/condition.h"
#include "shim/base/own_stack.h"

#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A wait in the kernel, as /proc/self/task/TID/syscall has it. */
struct call {
    unsigned long number, arguments[6], stack;
};

enum { FRAMES = 4096 }; /* libc's, below the wait point's */
enum { FLAGS = FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME };

static bool read_call(int tid, struct call *call)
{
    char path[48], line[256];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/task/%d/syscall", tid);
    if (fp_file_read(path, line, sizeof line) <= 0 || *line < '0' || *line > '9')
        return false; /* "running" */
    char *at = line;
    call->number = strtoul(at, &at, 10);
    for (int i = 0; i < 6; i++)
        call->arguments[i] = strtoul(at, &at, 16);
    call->stack = strtoul(at, &at, 16);
    return call->stack != 0;
}

/*
 * Whether the kernel has it sleep, and its name. The other file is not enough: a thread that
 * another processor is to wake (TASK_WAKING) is shown there in its call, as long as that processor,
 * a virtual one maybe, takes (Linux 6.18).
 */
static bool is_asleep(struct fp_point *point, int tid)
{
    enum { NAME = sizeof point->snapshot.name };
    char path[48], line[128]; /* "TID (NAME) S ...": the name may hold what it likes */
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/task/%d/stat", tid);
    if (fp_file_read(path, line, sizeof line) <= 0)
        return false;
    const char *begin = strchr(line, '('), *end = NULL;
    for (const char *at = begin; at && (at = strchr(at, ')')) && at - begin <= NAME; at++)
        end = at;
    if (!end || strncmp(end, ") S ", 4) != 0)
        return false;
    memset(point->snapshot.name, 0, NAME);
    memcpy(point->snapshot.name, begin + 1, (size_t)(end - begin - 1));
    return true;
}

/* What the thread waits for: a part of a condition or semaphore, or the futex itself. */
FP_CHILD static size_t object_bytes(const struct fp_point *point)
{
    switch (fp_point_object(point)) {
    case FP_ON_CONDITION:
        return sizeof(pthread_cond_t);
    case FP_ON_SEMAPHORE:
        return sizeof(sem_t);
    default:
        return sizeof(uint32_t);
    }
}

FP_CHILD static char *object_of(const struct fp_point *point)
{
    return (char *)point->arguments[point->kind == FP_POINT_FUTEX ? 1 : 0];
}

static bool is_futex_wait(const struct fp_point *point, const struct call *call)
{
    unsigned long operation = call->arguments[1] & ~(unsigned long)FLAGS;
    return call->number == SYS_futex &&
           (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET) &&
           call->arguments[0] - (uintptr_t)object_of(point) < object_bytes(point);
}

static bool is_epoll_wait(const struct fp_point *point, const struct call *call)
{
#ifdef SYS_epoll_wait
    const unsigned long number = SYS_epoll_wait;
#else
    const unsigned long number = SYS_epoll_pwait;
#endif
    return call->number == number && (int)call->arguments[0] == (int)point->arguments[0];
}

static bool is_wait(const struct fp_point *point, const struct call *call)
{
    return point->stack - call->stack < FRAMES &&
           (point->kind == FP_POINT_EPOLL ? is_epoll_wait(point, call)
                                          : is_futex_wait(point, call));
}

/* A plain mutex can be taken by a thread of another tid than the one that gave it back. */
static bool is_plain(const pthread_mutex_t *mutex)
{
    return mutex->__data.__kind == PTHREAD_MUTEX_NORMAL ||
           mutex->__data.__kind == PTHREAD_MUTEX_ADAPTIVE_NP ||
           mutex->__data.__kind == (PTHREAD_MUTEX_NORMAL | 512); /* no lock elision, asked for */
}

/* Held by nobody, or by the forking thread, which holds it in the child, too. */
FP_CHILD static bool is_lock_free(const struct fp_point *point)
{
    const pthread_mutex_t *mutex = fp_point_mutex(point);
    return !mutex || !__atomic_load_n(&mutex->__data.__lock, __ATOMIC_ACQUIRE) ||
           (mutex->__data.__owner && mutex->__data.__owner == point->snapshot.forking);
}

static enum fp_uncarried look_at_call(const struct fp_point *point, int tid)
{
    struct call call;
    if (!read_call(tid, &call) || !is_wait(point, &call))
        return FP_UNCARRIED_RUNS;
    return point->kind == FP_POINT_EPOLL || call.arguments[1] & FUTEX_PRIVATE_FLAG
               ? FP_UNCARRIED_NONE
               : FP_UNCARRIED_SHARED;
}

static enum fp_uncarried look_at_futex(struct fp_point *point)
{
    const pthread_mutex_t *mutex = fp_point_mutex(point);
    /* A time limit that runs out takes its thread off the semaphore's count of those that wait. */
    point->snapshot.object_size =
        fp_point_object(point) == FP_ON_SEMAPHORE && fp_point_is_timed(point) ? sizeof(uint32_t)
                                                                              : object_bytes(point);
    memcpy(point->snapshot.object, object_of(point), point->snapshot.object_size);
    point->snapshot.forking = (int)syscall(SYS_gettid);
    return is_lock_free(point) && (!mutex || is_plain(mutex)) ? FP_UNCARRIED_NONE
                                                              : FP_UNCARRIED_LOCK;
}

/* Or the kernel does not say. */
static bool is_ready(int instance)
{
    struct pollfd file = {.fd = instance, .events = POLLIN};
    const struct timespec at_once = {0, 0};
    return syscall(SYS_ppoll, &file, 1, &at_once, NULL, 0) != 0;
}

/* An event loop with a time limit has something to do when the time has come: a task is under way.
 */
static enum fp_uncarried look_at_epoll(struct fp_point *point)
{
    point->snapshot.object_size = 0;
    return fp_point_is_timed(point)             ? FP_UNCARRIED_TIMED
           : is_ready((int)point->arguments[0]) ? FP_UNCARRIED_PENDING
                                                : FP_UNCARRIED_NONE;
}

static bool is_at(const struct fp_point *point, const struct fp_point_place *place)
{
    return point->stack == place->stack && point->caller == place->caller;
}

/* A thread that waits deeper than it ever did is in the midst of a task, or has more than one place
   to be idle at (tokio's have several). Of a tried library, the forking thread alone could end such
   a wait, where all threads rest: it has no task under way, unless it forks in the midst of it. A
   time limit could end it, too, but where the thread keeps itself ready for a while. Of another
   library, depth alone does not tell: the place to be idle may lie in a function of its own, and a
   task wait in the caller of that. Nobody has a task before it has been idle: so that place must
   be the first one, too. */
static bool is_idle(const struct fp_point *point, bool is_tried)
{
    if (is_tried)
        return is_at(point, &point->home) || !fp_point_is_timed(point) ||
               is_at(point, &point->timed_home);
    return is_at(point, &point->home) && is_at(point, &point->first);
}

/* Asleep, in the call that it notes. Where it has not run since it was seen in that call, it still
   is, as long as it sleeps. */
static enum fp_uncarried look_at_wait(struct fp_point *point, int tid, bool is_unmoved)
{
    bool is_known = is_unmoved && point->snapshot.seen == point->waits;
    enum fp_uncarried reason = is_known ? FP_UNCARRIED_NONE : look_at_call(point, tid);
    point->snapshot.seen = 0;
    if (reason != FP_UNCARRIED_RUNS && !is_asleep(point, tid))
        reason = FP_UNCARRIED_RUNS;
    if (reason == FP_UNCARRIED_NONE)
        point->snapshot.seen = point->waits;
    return reason;
}

enum fp_uncarried fp_rest_look(struct fp_point *point, int tid, bool is_tried, bool is_unmoved)
{
    int state = atomic_load(&point->state);
    point->snapshot.waits = point->waits;
    if (state == FP_POINT_STARTING)
        return FP_UNCARRIED_STARTING;
    if (point->has_foreign_stack)
        return FP_UNCARRIED_STACK;
    if (state != FP_POINT_WAITS)
        return FP_UNCARRIED_RUNS;
    enum fp_uncarried reason = look_at_wait(point, tid, is_unmoved);
    if (reason != FP_UNCARRIED_NONE)
        return reason;
    if (!is_idle(point, is_tried))
        return FP_UNCARRIED_TASK;
    return point->kind == FP_POINT_EPOLL ? look_at_epoll(point) : look_at_futex(point);
}

bool fp_rest_goes_on(struct fp_point *point, int tid)
{
    return fp_rest_is_unchanged(point) && is_asleep(point, tid) &&
           (point->kind != FP_POINT_EPOLL || !is_ready((int)point->arguments[0]));
}

FP_CHILD bool fp_rest_is_unchanged(const struct fp_point *point)
{
    int state = atomic_load(&point->state);
    return (state == FP_POINT_WAITS || state == FP_POINT_EXPIRED) &&
           point->snapshot.waits == point->waits && is_lock_free(point) &&
           memcmp(point->snapshot.object, object_of(point), point->snapshot.object_size) == 0;
}

struct reading {
    int tid;
    sigset_t *mask;
    bool is_read;
};

/* On a stack of ours: the file is large. */
static void read_mask(void *context)
{
    struct reading *reading = context;
    char path[48], status[4096];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/task/%d/status", reading->tid);
    if (fp_file_read(path, status, sizeof status) <= 0)
        return;
    const char *blocked = strstr(status, "\nSigBlk:");
    if (!blocked)
        return;
    uint64_t bits = strtoull(blocked + sizeof "\nSigBlk:" - 1, NULL, 16);
    sigemptyset(reading->mask);
    memcpy(reading->mask, &bits, sizeof bits);
    reading->is_read = true;
}

/* A thread itself changes its signal mask, and not while it sleeps: what was read in this wait
 * holds. */
static bool read_own(struct fp_point *point, int tid)
{
    struct fp_point_snapshot *snapshot = &point->snapshot;
    struct reading reading = {tid, &snapshot->mask, false};
    if (snapshot->wait == point->waits)
        return true;
    snapshot->wait = 0;
    if (syscall(SYS_get_robust_list, tid, &snapshot->robust, &snapshot->robust_size) != 0 ||
        !snapshot->robust)
        return false;
    fp_on_own_stack(read_mask, &reading);
    if (reading.is_read)
        snapshot->wait = point->waits;
    return reading.is_read;
}

enum fp_uncarried fp_rest_note(struct fp_point *point, int tid)
{
    struct fp_point_snapshot *snapshot = &point->snapshot;
    if (!read_own(point, tid))
        return FP_UNCARRIED_KERNEL;
    const struct robust_list_head *held = snapshot->robust;
    return held->list.next == &held->list ? FP_UNCARRIED_NONE : FP_UNCARRIED_ROBUST;
}

/* Their next waiters would be mistaken for the lost ones' company: a signal would go to these. */
FP_CHILD void fp_rest_forget_waiters(const struct fp_point *point)
{
    enum fp_point_object object = fp_point_object(point);
    if (object == FP_ON_CONDITION)
        fp_condition_renew((pthread_cond_t *)object_of(point));
    else if (object == FP_ON_SEMAPHORE)
        memset(object_of(point) + sizeof(uint32_t), 0, sizeof(uint32_t)); /* how many wait */
}
