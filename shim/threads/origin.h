/*
 * The fork that made this process. The forking thread notes it in the parent, for its child to
 * keep.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_ORIGIN_H
#define FP_SHIM_THREADS_ORIGIN_H

#include "policy/hang_event.h"
#include "shim/python/python.h"

/* In the parent, before the fork. `site` is copied; `threads`: how many the parent has, as it was
   told at the fork, or 0. */
void fp_origin_note(const char *call, enum fp_origin origin, const struct fp_site *site,
                    unsigned threads);

/* In the parent: whether the child of the fork that was noted is to be watched. */
void fp_origin_watch(bool is_watched);

/* In the parent, right after the fork: the fork that was noted, where its child is watched; its
   milliseconds are those of fp_milliseconds, at the fork, and its parent is left out. */
bool fp_origin_next(struct fp_fork_origin *fork);

/* Child room: keeps the note, and which threads were lost, before the table is emptied; `is_reset`
   as in lost.h. False, and nothing done, where the child is not to be watched. May run twice. */
bool fp_origin_child(bool (*is_reset)(uint32_t runtime));

/* Whether this process is a child under watch. */
bool fp_origin_is_watched(void);

/* Whether the calling thread came out of such a fork. */
bool fp_origin_is_survivor(void);

/* How many of the calling thread's outermost Python frames were there at the fork: their code is
   the parent's. 0 where the thread was started in this process, SIZE_MAX where nobody knows. */
size_t fp_origin_python_depth(void);

/* The parent's other threads that ran Python code at the fork, as many as Python tells of. */
size_t fp_origin_other_threads(const struct fp_python_thread **threads);

struct fp_fork_origin fp_origin(void);

/* Its site; NULL where this process is no child under watch. */
const struct fp_site *fp_origin_site(void);

/* Child room: whether the GIL may be a lost thread's: C code forked that did not hold it, and no
   thread of this process has had it since. */
bool fp_origin_awaits_gil(void);

/* A thread of this process has just taken the GIL. */
void fp_origin_hear_gil(void);

#endif
