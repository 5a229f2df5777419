/*
 * What each thread of a watched child tells the others of the wait that it is in: that the slices
 * they see mean "for ever".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_WAIT_RECORD_H
#define FP_SHIM_HANG_WAIT_RECORD_H

#include "shim/hang/wait.h"

#include <stdatomic.h>
#include <time.h>

/* What a thread tells the others. Written by that thread alone. */
struct fp_wait_record {
    _Atomic int wait; /* enum fp_wait + 1; 0: it does not wait */
    _Atomic(const void *) object;
    _Atomic(const void *) caller;
    _Atomic unsigned woken;    /* waits of this thread that ended otherwise than by a slice's end */
    _Atomic uint64_t deadline; /* of its slice, in nanoseconds as it is given to libc */
    _Atomic bool has_gil;      /* it holds Python's lock while it waits */
};

/* The calling thread's own; NULL where no hook saw it starting. */
struct fp_wait_record *fp_wait_record_own(void);

/* The calling thread gives libc this time limit for its next slice. */
void fp_wait_record_limit(const struct timespec *deadline);

/* What a thread tells; NULL: it never waited under watch. */
const struct fp_wait_record *fp_wait_record_of(pid_t tid);

/* A new thread has a slot that another one may have left in the midst of a wait. */
void fp_wait_record_reset(void);

#endif
