/*
 * A fork at a moment when the other threads sleep: one that runs may hold a lock of malloc, of the
 * loader or of its library, and the child would find it held for ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_QUIESCE_H
#define FP_SHIM_FORK_QUIESCE_H

/* Waits until all other threads sleep, as long as quiesce_ms says; records what it waited for. */
void fp_quiesce(void);

#endif
