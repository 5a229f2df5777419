/*
 * A process that puts itself into a sandbox (seccomp) may be ended for its next open. From then on
 * the shim leaves it alone: libc's functions are called directly again, and there are no looks,
 * records, or told forks. Residual: what another thread is at at this moment, which may be a wait
 * in slices; a sandbox outside of watched children, or made without libc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_SANDBOX_H
#define FP_SHIM_WATCH_SANDBOX_H

#include <stdbool.h>

/* Whether this system call makes a sandbox, if it succeeds. */
bool fp_sandbox_is_made_by(long number, long operation);

/* Once: how the slots of this process are pointed to the watch, and back. */
void fp_sandbox_init(void (*point)(void), void (*point_back)(void));

/* Around such a call: what needs system calls is done before. */
void fp_sandbox_begin(void);
void fp_sandbox_end(bool is_made);

#endif
