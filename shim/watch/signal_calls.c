/*
 * What sets signal handlers in a watched child: a wait asks beforehand whether its handlers let
 * system calls go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/hang/signal_handlers.h"
#include "shim/watch/watched.h"

int fp_watched_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    int result = REAL(sigaction)(number, action, before);
    if (action)
        fp_handlers_changed();
    return result;
}

sighandler_t fp_watched_signal(int number, sighandler_t handler)
{
    sighandler_t before = REAL(signal)(number, handler);
    fp_handlers_changed();
    return before;
}

sighandler_t fp_watched_sysv_signal(int number, sighandler_t handler)
{
    sighandler_t before = REAL(sysv_signal)(number, handler);
    fp_handlers_changed();
    return before;
}

int fp_watched_siginterrupt(int number, int interrupts)
{
    int (*real)(int, int);
    *(void **)&real = fp_got_real(FP_WATCHED_siginterrupt);
    int result = real(number, interrupts);
    fp_handlers_changed();
    return result;
}
