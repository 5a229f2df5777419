/*
 * Asks the kernel whether memory is there, without a fault where it is not. Async-signal-safe; the
 * system calls are such as every program makes, so that no sandbox forbids them. errno is lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_LIBRARIES_PROBE_H
#define FP_SHIM_LIBRARIES_PROBE_H

#include <stdbool.h>

/* Whether the page of this address can be read. */
bool fp_probe_read(const void *address);

/* Whether this word can be written; where it can, its page is now the process's own. */
bool fp_probe_write(void *word);

#endif
