/*
 * What a user can do about a hang.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_HANG_ADVICE_H
#define FP_POLICY_HANG_ADVICE_H

#include "policy/hang_event.h"

/* Whether the user's own line asked for one of Python's locks, and no library in between. */
bool fp_hang_is_plain_lock(const struct fp_hang *hang);

/* The nth advice, the one that fits best first; length 0 where there is none. */
struct fp_slice fp_hang_advice(const struct fp_hang *hang, size_t nth);

/* The first one where it is not another way to start the process, which would hang, too; else of
   length 0. */
struct fp_slice fp_hang_remedy(const struct fp_hang *hang);

#endif
