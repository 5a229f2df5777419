/*
 * A child that lost threads has ended: if it crashed, that is told, with what it lacked. Nothing is
 * changed in the child for it, and no signal is handled: its parent sees how it ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_CRASH_H
#define FP_SHIM_FORK_CRASH_H

#include <signal.h>

/* A child has ended, as waitid tells it, and its status was not taken yet. Async-signal-safe; keeps
   errno. */
void fp_child_ended(const siginfo_t *info);

#endif
