/*
 * One wait in a watched child. A wait without a time limit is made of slices that have one, and
 * between them its thread looks whether anybody is left who could end it: there is no thread of
 * ours. Meanwhile it is told to the other threads that the slices mean "for ever".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WAITING_H
#define FP_SHIM_WAITING_H

#include "policy/hang.h"

#include <stdatomic.h>
#include <time.h>

/* What a thread tells the others. Written by that thread alone. */
struct fp_wait_record {
    _Atomic int wait; /* enum fp_wait + 1; 0: it does not wait */
    _Atomic(const void *) object;
    _Atomic(const void *) caller;
    _Atomic unsigned woken; /* waits of this thread that ended otherwise than by a slice's end */
    _Atomic bool has_gil;   /* it holds Python's lock while it waits */
};

/* A thread that comes back to one wait again and again, each time in vain. */
struct fp_repeated {
    const void *object; /* NULL: the last one was not in vain */
    uint64_t since;
    unsigned slices;
    bool told;
    uint64_t standstill; /* of the others at the last look, see company.h */
    uint64_t next_look;  /* of waits with a limit of their own: not before */
};

struct fp_waiting {
    enum fp_wait wait;
    bool timed;                                  /* by its caller */
    const void *object;                          /* semaphore, mutex, futex word ... */
    const void *caller;                          /* an address in the code that waits */
    bool (*is_over)(struct fp_waiting *waiting); /* tries without waiting; NULL: cannot be tried */
    pid_t (*owner)(const struct fp_waiting *waiting); /* of a lock; NULL or 0: not known */
    long argument;                                    /* a futex's value, a thread ... */
    long flags, bits;                                 /* of a futex */
    void **returned;                                  /* of a joined thread */
    uint64_t since;                                   /* milliseconds, as fp_milliseconds */
    unsigned slices;                                  /* so far */
    bool told;                                        /* somebody has been told */
    struct fp_repeated *repeated;                     /* NULL: it ends as a whole */
};

/* What a look at a wait came to. */
enum fp_advance {
    FP_ADVANCE_WAIT,      /* go on with the next slice */
    FP_ADVANCE_OVER,      /* is_over said so: it has what it waited for */
    FP_ADVANCE_INTERRUPT, /* an exception is pending: the wait is to end with EINTR */
};

/* Tells it to the other threads, and that it is over; `woken`: by somebody, not by a time limit. */
void fp_waiting_begin(struct fp_waiting *waiting);
void fp_waiting_end(const struct fp_waiting *waiting, bool woken);

/* Waits until `deadline`: 0, ETIMEDOUT, or the error that the caller is to get. */
typedef int fp_wait_slice(struct fp_waiting *waiting, const struct timespec *deadline);

/* From begin to end, slice after slice; 0, or an error number. */
int fp_waiting_endure(struct fp_waiting *waiting, fp_wait_slice *slice);

/* The end of the next slice: 20 ms, then longer and longer, 1 s at most. */
struct timespec fp_waiting_next(struct fp_waiting *waiting, clockid_t clock);

/* Whether a look pays before the first slice: nobody else is here. */
bool fp_waiting_is_alone(void);

/* What the thread tells; NULL: it never waited under watch. */
const struct fp_wait_record *fp_wait_record_of(pid_t tid);

/* A new thread has a slot that another one may have left in the midst of a wait. */
void fp_waiting_reset(void);

#endif
