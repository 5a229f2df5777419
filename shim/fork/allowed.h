/*
 * What the calling thread has allowed (forkpolicy_allow). A list of the callers' own structs:
 * nothing is allocated, and a fork that a signal handler makes in between finds it whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_ALLOWED_H
#define FP_SHIM_FORK_ALLOWED_H

#include <stdbool.h>

struct forkpolicy_allowance;
struct fp_text;

enum { FP_ALLOWED_SIZE = 1024 }; /* of all that one thread allows at a time, as text */

/* 0, EINVAL, EEXIST, ENOSPC, ENOENT: as forkpolicy_allow and forkpolicy_disallow. */
int fp_allowed_add(struct forkpolicy_allowance *allowance);
int fp_allowed_remove(struct forkpolicy_allowance *allowance);

bool fp_allowed_any(void);

/* Appends a line for each, innermost first: "PATTERN because REASON". */
void fp_allowed_write(struct fp_text *text);

#endif
