/*
 * A process that puts itself into a sandbox (seccomp) may be ended for its next open. From then on
 * the shim leaves it alone: no looks, no records, forks pass through. Residual: a look of another
 * thread that is under way at this moment; a sandbox outside of watched children, or made without
 * libc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_SANDBOX_H
#define FP_SHIM_WATCH_SANDBOX_H

#include <stdbool.h>

/* Whether this system call makes a sandbox, if it succeeds. */
bool fp_sandbox_is_made_by(long number, long operation);

/* There is one now. */
void fp_sandbox_enter(void);

#endif
