/*
 * Globs of policy entries: '*' any bytes ('/' too), '?' one byte, '[a-z]' and '[!a-z]' one of a
 * set, '\' takes the next byte as it is. Linear in practice: only the last '*' is retried.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_GLOB_H
#define FP_POLICY_GLOB_H

#include "policy/text.h"

/* NULL when the glob is well formed, else what is wrong; *offset is then the byte to blame. */
const char *fp_glob_check(struct fp_slice glob, size_t *offset);

/* The first byte `c` that stands for itself, neither behind a '\' nor in a set; NULL: there is none. */
const char *fp_glob_find(struct fp_slice glob, char c);

/* A malformed glob matches nothing. */
bool fp_glob_match(struct fp_slice glob, struct fp_slice subject);

#endif
