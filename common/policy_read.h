/*
 * Reads a policy file, for the guest and the host alike: no malloc, no stdio. The file says what
 * to do inside a process, so it is read with care: a regular file, FP_POLICY_FILE_MAX bytes at
 * most, that only its owner can write; never waits for a FIFO.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_COMMON_POLICY_READ_H
#define FP_COMMON_POLICY_READ_H

#include "policy/policy_text.h"

/*
 * Once in a process. False when the file cannot be used at all: `why` then says so. Otherwise
 * *policy is what it holds, without what `problem` counts. The result is static.
 */
bool fp_policy_read(const char *path, const struct fp_policy_text **policy,
                    struct fp_problem *problem, struct fp_text *why);

#endif
