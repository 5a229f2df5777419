/* See timed_waits.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/timed_waits.h"

#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/main_thread.h"
#include "shim/base/self.h"
#include "shim/hang/hang.h"
#include "shim/libraries/objects.h"
#include "shim/python/python.h"
#include "shim/threads/lost.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"
#include "shim/watch/c11.h"
#include "shim/watch/got.h"
#include "shim/watch/used.h"
#include "shim/watch/watched.h"

#include <errno.h>

static FP_THREAD struct fp_repeated repeated; /* of this thread: in vain, one after the other */

/* A thread that the library itself has started in this child looks for work so, and rests. One that
   no hook saw starting may be such a thread (jemalloc's). */
static bool is_worker(const void *caller)
{
    if (fp_is_main_thread())
        return false;
    const struct fp_object *object = fp_object_of(caller);
    return !fp_self.slot || (object && fp_runtime_find(object->name) == fp_self.slot->runtime);
}

/* The program's own code, whose name is empty there, may sleep so until it is told to end. */
static bool is_lost_library(const void *caller)
{
    const struct fp_object *object = fp_object_of(caller);
    return object && *object->name && fp_lost_is_library(object->name);
}

static void look(struct fp_repeated *timed, enum fp_wait wait, const void *object,
                 const void *caller)
{
    struct fp_waiting waiting = {.wait = wait,
                                 .timed = true,
                                 .by_lost = timed->by_lost,
                                 .object = object,
                                 .caller = caller,
                                 .since = timed->since,
                                 .late_looks = timed->late_looks};
    if (!fp_hang_is_late(&waiting))
        return;
    fp_hang_look(&waiting);
    timed->told = waiting.told;
    timed->late_looks = waiting.late_looks;
}

void fp_timed_note(enum fp_wait wait, const void *object, const void *caller, bool woken)
{
    struct fp_repeated *timed = &repeated;
    enum { IN_A_ROW = 3 };
    if (woken || fp_self.inside) {
        timed->object = NULL;
        return;
    }
    int saved = errno;
    /* Python makes a new lock for each wait with a limit: it is the caller that comes again. */
    if (timed->object != caller)
        *timed = (struct fp_repeated){.object = caller,
                                      .since = fp_milliseconds(),
                                      .by_lost = is_lost_library(caller),
                                      .told = is_worker(caller)}; /* nothing, ever */
    timed->slices++;
    if (!timed->told && timed->slices >= IN_A_ROW)
        look(timed, wait, object, caller);
    errno = saved;
}

int fp_watched_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    int result = REAL(sem_clockwait)(semaphore, clock, until);
    if (result != 0 || repeated.object)
        fp_timed_note(FP_WAIT_SEMAPHORE, semaphore, CALLER, result == 0);
    return result;
}

int fp_watched_sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    int result = REAL(sem_timedwait)(semaphore, until);
    if (result != 0 || repeated.object)
        fp_timed_note(FP_WAIT_SEMAPHORE, semaphore, CALLER, result == 0);
    return result;
}

static void note_error(enum fp_wait wait, const void *object, const void *caller, int error)
{
    if (error != ETIMEDOUT && !repeated.object)
        return;
    /* Python's threads queue for its own lock so: that says nothing, and who is about to get it
       must not be made to ask for it. */
    if (wait == FP_WAIT_CONDITION && fp_python_owns(fp_owner_of(caller)))
        return;
    fp_timed_note(wait, object, caller, error != ETIMEDOUT);
}

#define FP_TIMED(name, wait, parameters, arguments) \
    int fp_watched_##name parameters                \
    {                                               \
        int error = REAL(name) arguments;           \
        note_error(wait, object, CALLER, error);    \
        return error;                               \
    }
#include "shim/watch/timed_waits.def"
#undef FP_TIMED

int fp_watched_mtx_timedlock(pthread_mutex_t *mutex, const struct timespec *until)
{
    int error = REAL(pthread_mutex_timedlock)(mutex, until);
    note_error(FP_WAIT_MUTEX, mutex, CALLER, error);
    return fp_c11_answer(error);
}

int fp_watched_cnd_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                             const struct timespec *until)
{
    int error = REAL(pthread_cond_timedwait)(condition, mutex, until);
    note_error(FP_WAIT_CONDITION, condition, CALLER, error);
    return fp_c11_answer(error);
}

/* Servers sleep here all day. Only a child that has called a lost runtime may be waiting for its
   answer. */
int fp_watched_epoll_wait(int poll, struct epoll_event *events, int most, int milliseconds)
{
    if (milliseconds >= 0 || fp_self.inside || !fp_used_any())
        return REAL(epoll_wait)(poll, events, most, milliseconds);
    struct fp_waiting waiting = {
        .wait = FP_WAIT_EPOLL, .caller = CALLER, .since = fp_milliseconds()};
    int ready = REAL(epoll_wait)(poll, events, most, (int)fp_config.options.hang_milliseconds);
    if (ready != 0)
        return ready;
    fp_hang_look(&waiting);
    if (!fp_python_owns(fp_owner_of(waiting.caller)))
        return REAL(epoll_wait)(poll, events, most, -1);
    errno = EINTR; /* Python waits again, and takes the signals that came meanwhile */
    return -1;
}
