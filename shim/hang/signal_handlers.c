/* See signal_handlers.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/signal_handlers.h"

#include "policy/decide.h"
#include "policy/signals.h"
#include "shim/base/config.h"
#include "shim/python/python.h"

#include <signal.h>
#include <stdatomic.h>

static const void *handler_of(int number, int *flags)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_DFL ||
        action.sa_handler == SIG_IGN)
        return NULL;
    *flags = action.sa_flags;
    return *(void **)&action.sa_handler;
}

/* The policy names handlers by the file of their code. */
static bool is_known_in_python(int number)
{
    char file[FP_LINE_SIZE];
    return fp_python_handler_file(number, file, sizeof file) &&
           fp_policy_handler_wakes_nobody(&fp_config.policy, file);
}

static enum fp_waker ask_python(int number, bool has_gil)
{
    switch (has_gil ? fp_python_handler(number) : FP_PYTHON_HANDLER_OTHER) {
    case FP_PYTHON_HANDLER_NONE:
        return FP_WAKER_NONE;
    case FP_PYTHON_HANDLER_INTERRUPT:
        return FP_WAKER_INTERRUPT;
    case FP_PYTHON_HANDLER_OTHER:
        break;
    }
    return has_gil && is_known_in_python(number) ? FP_WAKER_NONE : FP_WAKER_HANDLER;
}

/* Any process may send any signal, also one of a fault, or SIGCHLD to a process without children.
 */
static enum fp_waker waker_of(int number, const void *handler, bool main_is_interruptible,
                              bool has_gil)
{
    struct fp_owner owner = fp_owner_of(handler);
    if (owner.base == fp_owner_of((const void *)fp_waker_find).base)
        return FP_WAKER_NONE; /* our own, for inline_futex */
    if (fp_python_is_handler(handler))
        return main_is_interruptible ? ask_python(number, has_gil) : FP_WAKER_NONE;
    if (fp_python_owns(owner) && FP_SIGNALS_OF_FAULTHANDLER & FP_SIGNAL_BIT(number) &&
        fp_python_has_faulthandler())
        return FP_WAKER_NONE;
    return fp_policy_handler_wakes_nobody(&fp_config.policy, owner.path) ? FP_WAKER_NONE
                                                                         : FP_WAKER_HANDLER;
}

enum fp_waker fp_waker_find(const struct fp_company_look *look, bool main_is_interruptible,
                            bool has_gil)
{
    enum fp_waker found = FP_WAKER_NONE;
    uint64_t candidates = look->handled & look->deliverable & ~FP_SIGNALS_OF_LIBC;
    if (has_gil)
        fp_python_learn_handlers();
    for (int number = 1; number <= 64; number++) {
        int flags;
        const void *handler =
            candidates & FP_SIGNAL_BIT(number) ? handler_of(number, &flags) : NULL;
        enum fp_waker waker =
            handler ? waker_of(number, handler, main_is_interruptible, has_gil) : FP_WAKER_NONE;
        found = waker > found ? waker : found;
    }
    return found;
}

static _Atomic unsigned generation = 1; /* of the handlers of this process */

void fp_handlers_changed(void)
{
    atomic_fetch_add(&generation, 1);
}

static bool read_restart(void)
{
    bool any = false;
    for (int number = 1; number < 65; number++) {
        int flags;
        if (!(FP_SIGNALS_OF_LIBC & FP_SIGNAL_BIT(number)) && handler_of(number, &flags)) {
            any = true;
            if (!(flags & SA_RESTART))
                return false;
        }
    }
    return any;
}

bool fp_handlers_restart(void)
{
    static _Atomic unsigned known; /* generation * 2 + answer */
    unsigned now = atomic_load(&generation), answer = atomic_load(&known);
    if (answer >> 1 != now) {
        answer = now << 1 | read_restart();
        atomic_store(&known, answer);
    }
    return answer & 1;
}
