/*
 * Python code of a child that wakes a thread which the fork lost: what that thread was to do,
 * nobody does. Its lock's semaphore still counts it as a waiter. Who only tells it to end misses
 * nothing, so that the policy names the functions that give it a task (`wakes`).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "common/large.h"
#include "policy/hang_event.h"
#include "policy/named_code.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/python/python.h"
#include "shim/watch/used.h"
#include "shim/watch/watched.h"

#include <stdatomic.h>

/* How glibc keeps a semaphore since 2.21: its value, and in the upper half how many wait for it. */
static bool has_waiters(const sem_t *semaphore)
{
    uint64_t state = __atomic_load_n((const uint64_t *)semaphore, __ATOMIC_RELAXED);
    return state >> 32 && !(uint32_t)state;
}

/* threading's notify, notify_all and set stand between the lock and who wakes the thread. */
enum { FRAMES = 6 };

static void look_at_python(void)
{
    FP_LARGE static struct fp_python_frame frames[FRAMES]; /* whoever has the GIL */
    size_t count = fp_python_frames(frames, FRAMES);
    for (size_t i = 0; i < count; i++)
        if (fp_policy_wakes(&fp_config.policy, frames[i].file, frames[i].function) &&
            fp_used_wakes(frames[i].file, frames[i].function))
            return;
}

/* A look at Python's frames for each: a lock that has lost waiters may be let go very often. */
static void note(const void *caller)
{
    enum { LOOKS_MAX = 10000 };
    static _Atomic unsigned looks;
    if (!fp_active || fp_self.inside || looks >= LOOKS_MAX)
        return;
    struct fp_work work = fp_work_begin();
    looks++;
    if (fp_python_owns(fp_owner_of(caller)) && fp_python_holds_gil())
        look_at_python();
    fp_work_end(work);
}

int fp_watched_sem_post(sem_t *semaphore)
{
    if (has_waiters(semaphore))
        note(CALLER);
    return REAL(sem_post)(semaphore);
}
