/*
 * The functions that slots of a library to be carried point to: wait points for its own threads,
 * libc's functions (or the watch's, in a watched child) for all others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_WAITS_H
#define FP_SHIM_CARRY_WAITS_H

#include "shim/carry/point.h"

#include <semaphore.h>
#include <sys/epoll.h>
#include <time.h>

/* Finds what only some libcs have; false where that is missing. */
bool fp_waits_init(void);

#define FP_WAIT_POINT(KIND, object, function, stand_in, parameters, ...) \
    int fp_carried_##function parameters;
#include "shim/carry/waits.def"
#undef FP_WAIT_POINT
long fp_carried_syscall(long number, long a, long b, long c, long d, long e, long f);
void fp_carried_cxx_wait(void *condition, void *lock);

/* libstdc++'s own; set before a slot points to fp_carried_cxx_wait. */
void fp_waits_set_cxx(void *function);

/* point->wait and point->resume of every point. */
long fp_wait_here(struct fp_point *point);
long fp_wait_again(struct fp_point *point);

#endif
