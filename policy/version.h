/*
 * Versions by their release numbers: 0.18.2 < 0.19 < 0.19.1 == 0.19.1+cpu == 0.19.1rc1. What
 * follows the numbers (rc1, .post2, +cpu) is passed over: a table of behaviours needs no more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_VERSION_H
#define FP_POLICY_VERSION_H

#include "policy/text.h"

bool fp_version_valid(struct fp_slice version);

/* < 0, 0 or > 0; missing numbers count as 0. */
int fp_version_compare(struct fp_slice a, struct fp_slice b);

#endif
