/*
 * Which signal handlers of the host could end a wait. A handler may post a semaphore, wake a futex,
 * or, in Python, release any lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_SIGNAL_HANDLERS_H
#define FP_SHIM_HANG_SIGNAL_HANDLERS_H

#include "shim/hang/other_threads.h"
#include "shim/hang/wait.h"

#include <signal.h>

/* Signals that timers of this process are going to send, a bit each; all, where one of
   timer_create's is there. Timers are not inherited. */
uint64_t fp_timers_set(void);

/* A handler that was set from Python code runs when the main thread comes back to Python: only
   where its wait breaks off. `has_gil`: Python may be asked now. `timers`: what fp_timers_set says
   now, `seen_timers`: and what it has said at any look at this wait. */
enum fp_waker fp_waker_find(const struct fp_company_look *look, enum fp_break main_breaks,
                            bool has_gil, uint64_t timers, uint64_t seen_timers);

/*
 * Whether a system call that a signal interrupts goes on by itself, as far as all handlers of the
 * process agree (SA_RESTART). To be asked before the call: a handler may be for one signal only
 * (SA_RESETHAND). Sixty system calls the first time, and whenever handlers have changed.
 */
bool fp_handlers_restart(void);

/* Whether any of them breaks off a system call. Known as the above is. */
bool fp_handlers_interrupt(void);

/*
 * Whether a signal waits whose handler breaks off a system call, once the signals that are blocked
 * now are `blocked` alone: it came between two slices of a wait, which it would have broken off.
 */
bool fp_handlers_wait(const sigset_t *blocked);

/* A handler was set. */
void fp_handlers_changed(void);

#endif
