/*
 * Waits with a time limit. One proves nothing: its caller goes on. But a library that waits for a
 * lost thread in a loop, a second at a time, hangs all the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_TIMED_WAITS_H
#define FP_SHIM_WATCH_TIMED_WAITS_H

#include "policy/hang.h"

/* A wait is over; `woken`: before its time was. Keeps errno. */
void fp_timed_note(enum fp_wait wait, const void *object, const void *caller, bool woken);

#endif
