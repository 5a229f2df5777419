/*
 * Whether a child uses a runtime whose threads it lost: its library wakes a futex, writes to an
 * eventfd, posts or signals, or starts a thread. What was lost and is never used does no harm.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_USED_H
#define FP_SHIM_WATCH_USED_H

#include <stdbool.h>

/* Code at `caller` did `call`. Says and records it the first time. Keeps errno. */
void fp_used_note(const void *caller, const char *call);

/* Python code of `file` did `call`, which gave a lost thread of its package a task. Says and records
   it the first time, and says it once for all children. False: no such thread was lost, or there are
   new ones. */
bool fp_used_wakes(const char *file, const char *call);

/* Whether any was used so far. */
bool fp_used_any(void);

#endif
