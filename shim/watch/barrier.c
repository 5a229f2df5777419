/*
 * pthread_barrier_wait in a watched child. libc has none with a time limit, so that the look is
 * taken once, before the thread arrives: whether those that are still missing are in this process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/self.h"
#include "shim/watch/got.h"
#include "shim/watch/wait_loop.h"
#include "shim/watch/watched.h"

/* How glibc keeps a barrier since 2.25 (sysdeps/nptl/internaltypes.h); there is no other way to ask
   how many have arrived. */
struct barrier {
    unsigned in;            /* arrivals since it was made, or since the count was reset */
    unsigned current_round; /* what `in` was when this round began */
    unsigned count;         /* arrivals that end a round */
    int shared;
    unsigned out;
};

_Static_assert(sizeof(struct barrier) <= sizeof(pthread_barrier_t), "glibc's barrier is larger");

static bool would_pass(struct fp_waiting *waiting)
{
    const struct barrier *barrier = waiting->object;
    unsigned in = __atomic_load_n(&barrier->in, __ATOMIC_SEQ_CST);
    unsigned begun = __atomic_load_n(&barrier->current_round, __ATOMIC_SEQ_CST);
    /* More than a round's worth: threads of the last one are still on their way out. */
    return in - begun + 1 >= barrier->count;
}

int fp_watched_barrier_wait(pthread_barrier_t *barrier)
{
    int (*real)(pthread_barrier_t *);
    *(void **)&real = fp_got_real(FP_WATCHED_pthread_barrier_wait);
    struct fp_waiting waiting = {.wait = FP_WAIT_BARRIER,
                                 .object = barrier,
                                 .caller = __builtin_return_address(0),
                                 .is_over = would_pass};
    if (fp_self.inside || would_pass(&waiting))
        return real(barrier);
    fp_waiting_look_once(&waiting);
    int result = real(barrier);
    fp_waiting_end(&waiting, true);
    return result;
}
