/*
 * How often the conditions of this process were signalled to, as far as the watch sees. A signal
 * that comes between two slices of a wait finds nobody who waits: libc forgets such a signal, and
 * this count does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_SIGNAL_COUNTS_H
#define FP_SHIM_WATCH_SIGNAL_COUNTS_H

/* Before the signal itself, or the broadcast. */
void fp_signals_note(const void *condition);

/* Changes with each, and with those to some other conditions. */
unsigned fp_signals_of(const void *condition);

#endif
