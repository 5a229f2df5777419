/*
 * Whether memory is this process's alone. Who shares it could end a wait on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_MEMORY_H
#define FP_SHIM_HANG_MEMORY_H

#include <stdbool.h>

/* False also where /proc does not tell. By one thread at a time. */
bool fp_memory_is_private(const void *address);

#endif
