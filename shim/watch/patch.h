/*
 * Child room: the slots of the child's libraries are pointed to the watch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_PATCH_H
#define FP_SHIM_WATCH_PATCH_H

/* Once, in the constructor. */
void fp_patch_init(void);

/* Rewrites the slots that fp_got_scan found, as far as they are still there. */
void fp_patch_child(void);

/* Later, in the child: libc's functions are called directly again. */
void fp_patch_undo(void);

#endif
