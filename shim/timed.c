/* See timed.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/timed.h"

#include "shim/config.h"
#include "shim/got.h"
#include "shim/hang.h"
#include "shim/self.h"
#include "shim/used.h"
#include "shim/watched.h"

#include <errno.h>

#define CALLER __builtin_return_address(0)
#define REAL(name) ((__typeof(&(name)))fp_got_real(FP_WATCHED_##name))

void fp_timed_note(enum fp_wait wait, const void *object, const void *caller, bool woken)
{
    struct fp_repeated *timed = &fp_self.timed;
    enum { IN_A_ROW = 3 };
    if (woken || fp_self.inside) {
        timed->object = NULL;
        return;
    }
    int saved = errno;
    uint64_t now = fp_milliseconds();
    /* Python makes a new lock for each wait with a limit: it is the caller that comes again. */
    if (timed->object != caller)
        *timed = (struct fp_repeated){.object = caller, .since = now};
    timed->slices++;
    if (!timed->told && timed->slices >= IN_A_ROW &&
        now - timed->since >= fp_config.options.hang_milliseconds) {
        struct fp_waiting waiting = {
            .wait = wait, .timed = true, .object = object, .caller = caller, .since = timed->since};
        fp_hang_look(&waiting);
        timed->told = waiting.told;
    }
    errno = saved;
}

int fp_watched_sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until)
{
    int result = REAL(sem_clockwait)(semaphore, clock, until);
    if (result != 0 || fp_self.timed.object)
        fp_timed_note(FP_WAIT_SEMAPHORE, semaphore, CALLER, result == 0);
    return result;
}

int fp_watched_sem_timedwait(sem_t *semaphore, const struct timespec *until)
{
    int result = REAL(sem_timedwait)(semaphore, until);
    if (result != 0 || fp_self.timed.object)
        fp_timed_note(FP_WAIT_SEMAPHORE, semaphore, CALLER, result == 0);
    return result;
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
    return REAL(epoll_wait)(poll, events, most, -1);
}
