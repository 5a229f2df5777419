/*
 * What a carried thread waits for in epoll_wait. The child has its own epoll instances, eventfds
 * and socketpairs under the same numbers: on the parent's it would take the parent's events, and
 * wake its threads. Another kind of file among them is not copied: nothing is carried.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_FILES_H
#define FP_SHIM_CARRY_FILES_H

#include "policy/carry.h"
#include "shim/carry/point.h"

/* In the parent, with the gate closed: begin, each thread, and the other numbers of these files.
   `file`: the number that the reason speaks of. */
void fp_files_begin(void);
enum fp_uncarried fp_files_add(const struct fp_point *point, bool is_tried, int *file);
enum fp_uncarried fp_files_find_numbers(int *file);

/* Child room: false where the kernel has no room. */
bool fp_files_unshare(void);

#endif
