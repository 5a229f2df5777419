/*
 * The fork for which the rules are asked: the one that the calling thread is about to make, else
 * the one that made this process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_THREADS_HERE_H
#define FP_SHIM_THREADS_HERE_H

#include "policy/model.h"

/* Where the calling thread is about to fork; NULL: it is not, or no rule depends on it. Borrowed.
 */
void fp_here_set(const struct fp_site *site);

/* NULL where no rule depends on the fork. */
const struct fp_site *fp_here(void);

#endif
