/*
 * What the parent does before a fork so that runtimes work again in the child: it calls the
 * functions that the policy declares (prepare lines) in every loaded copy of the library.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_RESET_H
#define FP_SHIM_RESET_RESET_H

#include <stdbool.h>
#include <stdint.h>

/* In the parent, before the fork, on the thread that forks. */
void fp_reset_prepare(void);

/* In an audit hook, before the fork: the runtimes that Python code keeps. */
void fp_reset_prepare_python(void);

/* Child room: whether a runtime was reset for this fork. */
bool fp_reset_has(uint32_t entry);

/* Child room: what was reset is not lost: it begins anew when it is next used. */
void fp_reset_child(void);

#endif
