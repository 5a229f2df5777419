/*
 * Starts the shim: from its constructor, or from the first hook that a constructor before ours
 * calls. Residual: a fork by a library whose constructor runs while ours does is not looked at.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HOOKS_INIT_H
#define FP_SHIM_HOOKS_INIT_H

#include <stdbool.h>

/* True when the shim watches. Cheap; every hook begins with it. */
bool fp_ready(void);

#endif
