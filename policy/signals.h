/*
 * Signals as sets of bits, as in /proc/PID/status, and what their handlers do to a wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_SIGNALS_H
#define FP_POLICY_SIGNALS_H

#include <signal.h>

#define FP_SIGNAL_BIT(signal) (1ULL << ((signal)-1))

/* libc's own: cancellation and setuid (glibc's SIGCANCEL and SIGSETXID). */
#define FP_SIGNALS_OF_LIBC (FP_SIGNAL_BIT(32) | FP_SIGNAL_BIT(33))

/* Those for which Python's faulthandler has handlers. */
#define FP_SIGNALS_OF_FAULTHANDLER                                                                 \
    (FP_SIGNAL_BIT(SIGSEGV) | FP_SIGNAL_BIT(SIGFPE) | FP_SIGNAL_BIT(SIGABRT) |                     \
     FP_SIGNAL_BIT(SIGBUS) | FP_SIGNAL_BIT(SIGILL))

/* They come from an instruction or a write of the thread itself, which does neither while it waits,
   unless another process sends them; from outside one handler cannot be told from another. */
#define FP_SIGNALS_OF_FAULTS                                                                       \
    (FP_SIGNAL_BIT(SIGSEGV) | FP_SIGNAL_BIT(SIGBUS) | FP_SIGNAL_BIT(SIGFPE) |                      \
     FP_SIGNAL_BIT(SIGILL) | FP_SIGNAL_BIT(SIGTRAP) | FP_SIGNAL_BIT(SIGABRT) |                     \
     FP_SIGNAL_BIT(SIGSYS) | FP_SIGNAL_BIT(SIGPIPE) | FP_SIGNAL_BIT(SIGXFSZ) | FP_SIGNAL_BIT(32) | \
     FP_SIGNAL_BIT(33))

/* They ask a program for its end, or tell of its terminal. */
#define FP_SIGNALS_OF_ENDS                                                                         \
    (FP_SIGNAL_BIT(SIGHUP) | FP_SIGNAL_BIT(SIGINT) | FP_SIGNAL_BIT(SIGQUIT) |                      \
     FP_SIGNAL_BIT(SIGTERM) | FP_SIGNAL_BIT(SIGWINCH) | FP_SIGNAL_BIT(SIGTSTP) |                   \
     FP_SIGNAL_BIT(SIGTTIN) | FP_SIGNAL_BIT(SIGTTOU) | FP_SIGNAL_BIT(SIGCONT))

/* What a signal handler may do to a wait; the larger, the less is known of its end. */
enum fp_effect {
    FP_EFFECT_NONE,    /* it returns, and has woken nobody */
    FP_EFFECT_EXIT,    /* it may end the process, or the wait by an exception of its own */
    FP_EFFECT_UNKNOWN, /* it may wake a thread */
};

#endif
