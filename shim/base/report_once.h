/*
 * What was said already: one message for each fork site and runtime. Inherited by forked children,
 * so a pool of workers does not repeat its parent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_REPORT_ONCE_H
#define FP_SHIM_BASE_REPORT_ONCE_H

#include <stdbool.h>

/* True the first time for this pair; false for ever when the set is full. */
bool fp_once(const char *site, const char *runtime);

/* The same for all processes that were forked since fp_once_share, together. */
bool fp_once_shared(const char *site, const char *what);

/* Whether fp_once_shared has noted the pair, or has no room left to. */
bool fp_once_shared_before(const char *site, const char *what);

/* In the parent, before a watched fork: makes the memory that they share, once. */
void fp_once_share(void);

#endif
