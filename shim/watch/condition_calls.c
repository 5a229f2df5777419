/*
 * What of a condition's functions waits for other threads, in a watched child. glibc destroys a
 * condition when its last waiter has left, and, up to 2.40, signals to newer waiters when the older
 * ones have. A waiter that was lost never leaves. There is no such call with a time limit, so that
 * the look is taken once, before the call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/watch/condition_calls.h"

#include "shim/base/self.h"
#include "shim/watch/c11.h"
#include "shim/watch/signal_counts.h"
#include "shim/watch/wait_loop.h"
#include "shim/watch/watched.h"

#include <string.h>

/* How glibc keeps a condition from 2.25 to 2.40 (pthreadtypes.h, pthread_cond_common.c): waiters
   are of the older group, which is signalled to, or of the newer one. */
struct condition {
    uint64_t waits;       /* so far, times 2; bit 0: which group is the newer one */
    uint64_t older_start; /* times 2 */
    unsigned inside[2];   /* those of each group that have not left, times 2 */
    unsigned unsignalled[2];
    unsigned older_size; /* when it became the older one, times 4 */
    unsigned users;      /* waiters times 8; bit 1: the clock is the monotonic one */
    unsigned signals[2];
};

_Static_assert(sizeof(struct condition) <= sizeof(pthread_cond_t), "glibc's condition is larger");

static bool is_known; /* this libc's conditions are such ones */

/* Other versions, and distributions that carry a newer one's conditions, have it elsewhere. */
void fp_condition_calls_init(void)
{
    static const struct condition EXPECTED = {.users = 2};
    pthread_condattr_t attributes;
    pthread_cond_t condition;
    memset(&condition, 0, sizeof condition);
    pthread_condattr_init(&attributes);
    is_known = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
               pthread_cond_init(&condition, &attributes) == 0 &&
               memcmp(&condition, &EXPECTED, sizeof EXPECTED) == 0;
}

#define READ(member) __atomic_load_n(&condition->member, __ATOMIC_ACQUIRE)

static bool is_unused(const struct condition *condition)
{
    return READ(users) >> 3 == 0;
}

/*
 * Whether the older group is left as it is (there are no newer waiters, or older ones are still to
 * be signalled to, who may be threads of this process), or nobody of it is waited for.
 */
static bool would_signal(struct fp_waiting *waiting)
{
    const struct condition *condition = waiting->object;
    uint64_t waits = READ(waits);
    unsigned newer = waits & 1, older = newer ^ 1;
    unsigned waiters = (unsigned)((waits >> 1) - (READ(older_start) >> 1)) -
                       (READ(older_size) >> 2) + READ(unsignalled[newer]);
    return is_unused(condition) || waiters == 0 || READ(unsignalled[older]) > 0 ||
           READ(inside[older]) >> 1 == 0;
}

static bool would_destroy(struct fp_waiting *waiting)
{
    return is_unused(waiting->object);
}

static int call(int (*real)(pthread_cond_t *), struct fp_waiting *waiting)
{
    pthread_cond_t *condition = (pthread_cond_t *)(uintptr_t)waiting->object;
    if (!is_known || fp_self.inside || waiting->is_over(waiting))
        return real(condition);
    fp_waiting_look_once(waiting);
    int error = real(condition);
    fp_waiting_end(waiting, true);
    return error;
}

#define CALL(name, wait_, is_over_, caller_) \
    call(REAL(pthread_cond_##name),          \
         &(struct fp_waiting){               \
             .wait = wait_, .object = condition, .caller = caller_, .is_over = is_over_})

int fp_condition_signal(pthread_cond_t *condition, const void *caller)
{
    fp_signals_note(condition);
    return CALL(signal, FP_WAIT_SIGNAL, would_signal, caller);
}

int fp_condition_broadcast(pthread_cond_t *condition, const void *caller)
{
    fp_signals_note(condition);
    return CALL(broadcast, FP_WAIT_BROADCAST, would_signal, caller);
}

int fp_watched_cond_destroy(pthread_cond_t *condition)
{
    return CALL(destroy, FP_WAIT_DESTROY, would_destroy, CALLER);
}

int fp_watched_cond_signal(pthread_cond_t *condition)
{
    return fp_condition_signal(condition, CALLER);
}

int fp_watched_cond_broadcast(pthread_cond_t *condition)
{
    return fp_condition_broadcast(condition, CALLER);
}

int fp_watched_cnd_signal(pthread_cond_t *condition)
{
    fp_signals_note(condition);
    return fp_c11_answer(REAL(pthread_cond_signal)(condition));
}

int fp_watched_cnd_broadcast(pthread_cond_t *condition)
{
    fp_signals_note(condition);
    return fp_c11_answer(REAL(pthread_cond_broadcast)(condition));
}
