/*
 * The semaphores that were made in this child. One that is older may be held by a lost thread; of a
 * younger one no lost thread ever knew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_MADE_HERE_H
#define FP_SHIM_HANG_MADE_HERE_H

#include <stdbool.h>

void fp_made_here_note(const void *semaphore);

/* True, too, of any where there were too many to be noted. */
bool fp_made_here(const void *semaphore);

#endif
