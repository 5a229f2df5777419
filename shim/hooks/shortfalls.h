/*
 * What an older libc keeps from the shim.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HOOKS_SHORTFALLS_H
#define FP_SHIM_HOOKS_SHORTFALLS_H

/* In the constructor: 1 << FP_SHORTFALL_... for each. */
unsigned fp_shortfalls(void);

#endif
