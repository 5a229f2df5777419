/* See signal_handlers.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/signal_handlers.h"

#include "common/files.h"
#include "common/large.h"
#include "policy/named_code.h"
#include "policy/signals.h"
#include "shim/base/config.h"
#include "shim/python/python.h"
#include "shim/threads/resolve.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

static const void *handler_of(int number, int *flags)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_DFL ||
        action.sa_handler == SIG_IGN)
        return NULL;
    *flags = action.sa_flags;
    return *(void **)&action.sa_handler;
}

/* By timer_create, for whatever signal. */
static bool has_posix_timer(void)
{
    char first[8];
    return fp_file_read("/proc/self/timers", first, sizeof first) > 0;
}

uint64_t fp_timers_set(void)
{
    static const int SIGNALS[] = {SIGALRM, SIGVTALRM, SIGPROF}; /* by ITIMER_REAL, ... */
    uint64_t found = 0;
    for (unsigned which = 0; which < 3; which++) {
        struct itimerval timer;
        if (getitimer(which, &timer) == 0 && (timer.it_value.tv_sec || timer.it_value.tv_usec))
            found |= FP_SIGNAL_BIT(SIGNALS[which]);
    }
    return has_posix_timer() ? UINT64_MAX : found;
}

/* By a signal that has no handler, as after alarm(). */
static bool is_ended_by_timer(uint64_t deliverable, uint64_t timers)
{
    struct sigaction action;
    bool ends = deliverable & FP_SIGNAL_BIT(SIGALRM) && sigaction(SIGALRM, NULL, &action) == 0 &&
                action.sa_handler == SIG_DFL;
    return timers == UINT64_MAX || (ends && timers & FP_SIGNAL_BIT(SIGALRM));
}

/* A timer of this process's own sends its signal, whatever others do. */
static enum fp_waker waker_by_effect(int number, enum fp_effect effect, uint64_t timers)
{
    if (effect == FP_EFFECT_NONE)
        return FP_WAKER_NONE;
    return effect == FP_EFFECT_EXIT && !(timers & FP_SIGNAL_BIT(number)) ? FP_WAKER_EXIT
                                                                         : FP_WAKER_HANDLER;
}

/* The policy names handlers by the file of their code; the code of others is read. */
static enum fp_waker ask_python(int number, bool has_gil, uint64_t timers)
{
    /* One thread looks at a time. */
    FP_LARGE static char file[FP_LINE_SIZE], function[FP_FUNCTION_SIZE];
    enum fp_effect effect = FP_EFFECT_UNKNOWN;
    switch (has_gil ? fp_python_handler(number) : FP_PYTHON_HANDLER_OTHER) {
    case FP_PYTHON_HANDLER_NONE:
        return FP_WAKER_NONE;
    case FP_PYTHON_HANDLER_INTERRUPT:
        return FP_WAKER_INTERRUPT;
    case FP_PYTHON_HANDLER_OTHER:
        break;
    }
    if (has_gil && fp_python_handler_code(number, file, function))
        effect = fp_policy_handler_effect(&fp_config.policy, file, function);
    if (has_gil && effect == FP_EFFECT_UNKNOWN)
        effect = fp_python_handler_effect(number);
    return waker_by_effect(number, effect, timers);
}

/* Any process may send any signal, also one of a fault, or SIGCHLD to a process without children.
 */
static enum fp_waker waker_of(int number, const void *handler, enum fp_break main_breaks,
                              bool has_gil, uint64_t timers)
{
    struct fp_owner owner = fp_owner_of(handler);
    if (owner.base && owner.base == fp_owner_of((const void *)fp_waker_find).base)
        return FP_WAKER_NONE; /* our own, for inline_futex */
    if (fp_python_is_handler(handler) && main_breaks == FP_BREAK_FOR_GOOD)
        return has_gil && fp_python_handler(number) == FP_PYTHON_HANDLER_INTERRUPT
                   ? FP_WAKER_INTERRUPT
                   : FP_WAKER_HANDLER;
    if (fp_python_is_handler(handler))
        return main_breaks ? ask_python(number, has_gil, timers) : FP_WAKER_NONE;
    if (fp_python_owns(owner) && FP_SIGNALS_OF_FAULTHANDLER & FP_SIGNAL_BIT(number) &&
        fp_python_has_faulthandler())
        return FP_WAKER_NONE;
    if (fp_python_dumps(owner) && main_breaks != FP_BREAK_FOR_GOOD)
        return waker_by_effect(number, FP_EFFECT_EXIT, timers);
    if (!owner.base) /* as while a library is being loaded */
        return FP_WAKER_HANDLER;
    const char *path = *owner.path ? owner.path : fp_program_path(); /* as of uwsgi */
    return waker_by_effect(number, fp_policy_handler_effect(&fp_config.policy, path, ""), timers);
}

enum fp_waker fp_waker_find(const struct fp_company_look *look, enum fp_break main_breaks,
                            bool has_gil, uint64_t timers, uint64_t seen_timers)
{
    enum fp_waker found = FP_WAKER_NONE;
    uint64_t candidates = look->handled & look->deliverable & ~FP_SIGNALS_OF_LIBC;
    if (has_gil)
        fp_python_learn_handlers();
    for (int number = 1; number <= 64; number++) {
        int flags;
        if (!(candidates & FP_SIGNAL_BIT(number)))
            continue;
        /* One that is there no more has run since the look, and what it woke acts. */
        const void *handler = handler_of(number, &flags);
        enum fp_waker waker =
            handler ? waker_of(number, handler, main_breaks, has_gil, seen_timers)
                    : FP_WAKER_HANDLER;
        found = waker > found ? waker : found;
    }
    if (found < FP_WAKER_TIMER && is_ended_by_timer(look->deliverable, timers))
        found = FP_WAKER_TIMER;
    return found;
}

bool fp_handlers_wait(const sigset_t *blocked)
{
    sigset_t pending;
    if (sigpending(&pending) != 0)
        return false;
    for (int number = 1; number < 65; number++) {
        int flags;
        if (sigismember(&pending, number) == 1 && sigismember(blocked, number) == 0 &&
            handler_of(number, &flags) && !(flags & SA_RESTART))
            return true;
    }
    return false;
}

static _Atomic unsigned generation = 1; /* of the handlers of this process */

void fp_handlers_changed(void)
{
    atomic_fetch_add(&generation, 1);
}

enum { NO_HANDLERS, ALL_RESTART, SOME_INTERRUPT };

static unsigned read_handlers(void)
{
    unsigned found = NO_HANDLERS;
    for (int number = 1; number < 65; number++) {
        int flags;
        if (FP_SIGNALS_OF_LIBC & FP_SIGNAL_BIT(number) || !handler_of(number, &flags))
            continue;
        found = ALL_RESTART;
        if (!(flags & SA_RESTART))
            return SOME_INTERRUPT;
    }
    return found;
}

static unsigned known_handlers(void)
{
    static _Atomic unsigned known; /* generation * 4 + answer */
    unsigned now = atomic_load(&generation), answer = atomic_load(&known);
    if (answer >> 2 != now) {
        answer = now << 2 | read_handlers();
        atomic_store(&known, answer);
    }
    return answer & 3;
}

bool fp_handlers_restart(void)
{
    return known_handlers() == ALL_RESTART;
}

bool fp_handlers_interrupt(void)
{
    return known_handlers() == SOME_INTERRUPT;
}
