/*
 * What was said already: one message for each fork site and runtime. Inherited by forked children,
 * so a pool of workers does not repeat its parent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_ONCE_H
#define FP_SHIM_ONCE_H

#include <stdbool.h>

/* True the first time for this pair; false for ever when the set is full. */
bool fp_once(const char *site, const char *runtime);

#endif
