/* See signal_handlers.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/signal_handlers.h"

#include "policy/decide.h"
#include "policy/signals.h"
#include "shim/base/config.h"
#include "shim/python/python.h"

#include <signal.h>
#include <sys/wait.h>

static const void *handler_of(int number, int *flags)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_DFL ||
        action.sa_handler == SIG_IGN)
        return NULL;
    *flags = action.sa_flags;
    return *(void **)&action.sa_handler;
}

static enum fp_waker ask_python(int number, bool has_gil)
{
    switch (has_gil ? fp_python_handler(number) : FP_PYTHON_HANDLER_OTHER) {
    case FP_PYTHON_HANDLER_NONE:
        return FP_WAKER_NONE; /* faulthandler's, for one */
    case FP_PYTHON_HANDLER_INTERRUPT:
        return FP_WAKER_INTERRUPT;
    case FP_PYTHON_HANDLER_OTHER:
        break;
    }
    return FP_WAKER_HANDLER;
}

/* Without a child of its own nobody tells this process that one has ended: the handler was
   inherited (torch installs one in the parent of its workers). */
static bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0;
}

enum fp_waker fp_waker_find(const struct fp_company_look *look, bool main_is_interruptible,
                            bool has_gil)
{
    enum fp_waker found = FP_WAKER_NONE;
    uint64_t candidates = look->handled & look->deliverable & ~FP_SIGNALS_OF_FAULTS;
    if (candidates & FP_SIGNAL_BIT(SIGCHLD) && !has_children())
        candidates &= ~FP_SIGNAL_BIT(SIGCHLD);
    for (int number = 1; number <= 64; number++) {
        int flags;
        const void *handler =
            candidates & FP_SIGNAL_BIT(number) ? handler_of(number, &flags) : NULL;
        if (!handler)
            continue;
        struct fp_owner owner = fp_owner_of(handler);
        enum fp_waker waker = FP_WAKER_HANDLER;
        if (fp_python_owns(owner))
            waker = main_is_interruptible ? ask_python(number, has_gil) : FP_WAKER_NONE;
        else if (fp_policy_handler_wakes_nobody(&fp_config.policy, owner.path))
            waker = FP_WAKER_NONE;
        found = waker > found ? waker : found;
    }
    return found;
}

bool fp_handlers_restart(void)
{
    bool any = false;
    for (int number = 1; number < 65; number++) {
        int flags;
        if (!(FP_SIGNALS_OF_FAULTS & FP_SIGNAL_BIT(number)) && handler_of(number, &flags)) {
            any = true;
            if (!(flags & SA_RESTART))
                return false;
        }
    }
    return any;
}
