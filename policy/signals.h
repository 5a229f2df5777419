/*
 * Signals as sets of bits, as in /proc/PID/status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_SIGNALS_H
#define FP_POLICY_SIGNALS_H

#include <signal.h>

#define FP_SIGNAL_BIT(signal) (1ULL << ((signal)-1))

/* They come from an instruction or a write of the thread itself, which does neither while it waits;
   32 and 33 are libc's own. */
#define FP_SIGNALS_OF_FAULTS                                                                       \
    (FP_SIGNAL_BIT(SIGSEGV) | FP_SIGNAL_BIT(SIGBUS) | FP_SIGNAL_BIT(SIGFPE) |                      \
     FP_SIGNAL_BIT(SIGILL) | FP_SIGNAL_BIT(SIGTRAP) | FP_SIGNAL_BIT(SIGABRT) |                     \
     FP_SIGNAL_BIT(SIGSYS) | FP_SIGNAL_BIT(SIGPIPE) | FP_SIGNAL_BIT(SIGXFSZ) | FP_SIGNAL_BIT(32) | \
     FP_SIGNAL_BIT(33))

#endif
