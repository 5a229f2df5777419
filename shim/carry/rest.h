/*
 * Whether a thread is at rest: asleep in its wait point, woken by nobody, and such that it can be
 * made anew in a child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_REST_H
#define FP_SHIM_CARRY_REST_H

#include "policy/carry.h"
#include "shim/carry/point.h"

/* In the parent, with the gate closed. NONE: it is, and the futex is noted in the snapshot.
   is_tried: no code but the forking thread's could use the library now. is_unmoved: no
   thread of the process has gone to sleep since all of them rested at an earlier fork: one that
   sleeps now is in the wait that it was in then. */
enum fp_uncarried fp_rest_look(struct fp_point *point, int tid, bool is_tried, bool is_unmoved);

/* In the parent, when all have been looked at: whether nobody has woken it meanwhile. */
bool fp_rest_goes_on(struct fp_point *point, int tid);

/* Child room, and after the fork in the parent: whether it still is, as the memory has it. */
bool fp_rest_is_unchanged(const struct fp_point *point);

/* In the parent: the rest of the snapshot, but for libc's. */
enum fp_uncarried fp_rest_note(struct fp_point *point, int tid);

/* Child room: a condition or semaphore forgets those who waited: they are not in this process. */
void fp_rest_forget_waiters(const struct fp_point *point);

#endif
