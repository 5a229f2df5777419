/*
 * One wait in a watched child. A wait without a time limit is made of slices that have one, and
 * between them its thread looks whether anybody is left who could end it: there is no thread of
 * ours. Meanwhile it is told to the other threads that the slices mean "for ever".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_WAIT_LOOP_H
#define FP_SHIM_WATCH_WAIT_LOOP_H

#include "shim/hang/wait.h"

#include <time.h>

/* Tells it to the other threads, and that it is over; `woken`: by somebody, not by a time limit. */
void fp_waiting_begin(struct fp_waiting *waiting);
void fp_waiting_end(const struct fp_waiting *waiting, bool woken);

/* Begins a wait by a call of libc's that takes no time limit, with the one look before that call.
 */
void fp_waiting_look_once(struct fp_waiting *waiting);

/* Waits until `deadline`: 0, ETIMEDOUT, or the error that the caller is to get. */
typedef int fp_wait_slice(struct fp_waiting *waiting, const struct timespec *deadline);

/* From begin to end, slice after slice; 0, or an error number. ETIMEDOUT: in vain so far, and its
   caller comes again (`repeated`). */
int fp_waiting_endure(struct fp_waiting *waiting, fp_wait_slice *slice);

/* The end of the next slice: 10 ms, then longer and longer, 1.5 s at most, or 90 s where a signal
   that comes at its end is lost. */
struct timespec fp_waiting_next(struct fp_waiting *waiting, clockid_t clock);

#endif
