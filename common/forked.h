/*
 * Whether a process still runs the program of the one that forked it. The kernel knows, and tells
 * of one that has ended, too, until its parent has taken its status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_COMMON_FORKED_H
#define FP_COMMON_FORKED_H

#include <stdbool.h>
#include <sys/types.h>

enum { FP_FORKED_NO_EXEC = 0x40 }; /* PF_FORKNOEXEC of the kernel's include/linux/sched.h */

/* Whether the child that has ended, and that nobody has waited for yet, was of its parent's
   program. False where that cannot be known. */
bool fp_ended_as_forked(pid_t child);

#endif
