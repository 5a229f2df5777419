/*
 * Hooks around the waits for children, and around signals to them: how a child that lost threads
 * ends is seen in passing, and whether its parent ended it.
 *
 * A child is looked at before its status is taken, while the kernel still knows of it: by a wait
 * that leaves it waitable and is otherwise the same, so that it takes as long, and ends for the
 * same signals and cancellations. Only while there are such children; all other waits go to libc as
 * they are.
 *
 * The kernel gives the status to the thread that waits before the handler for SIGCHLD runs. A look
 * would let the handler run first, which may take the status: beside such a handler nothing is
 * looked at. Python's only notes the signal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/self.h"
#include "shim/fork/children.h"
#include "shim/fork/crash.h"
#include "shim/hooks/init.h"
#include "shim/hooks/real.h"
#include "shim/python/python.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESOLVED(name) (fp_real.name ? fp_real.name : (fp_real_resolve(FP_OPTIONAL), fp_real.name))

static bool has_handler(void)
{
    struct sigaction action;
    return sigaction(SIGCHLD, NULL, &action) != 0 ||
           (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
            !fp_python_is_handler(*(void **)&action.sa_handler));
}

static bool looks(void)
{
    return fp_children_any() && fp_active && !fp_self.inside && fp_real.waitid && !has_handler();
}

/* False: a signal has ended the wait. Whatever else went wrong the wait itself will find, too. */
static bool look(idtype_t kind, id_t id, int options)
{
    siginfo_t info = {.si_signo = 0};
    int saved = errno;
    if (fp_real.waitid(kind, id, &info, options | WEXITED | WNOWAIT) != 0 && errno == EINTR)
        return false;
    errno = saved;
    if (info.si_signo == SIGCHLD)
        fp_child_ended(&info);
    return true;
}

/* As wait4 names children. Options that only waitid takes are an error at once. */
static bool look_at(pid_t pid, int options)
{
    const unsigned known = WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WALL | __WCLONE;
    if (((unsigned)options & ~known) || pid == INT_MIN || (pid > 0 && !fp_children_has(pid)) ||
        !looks())
        return true;
    if (pid == -1)
        return look(P_ALL, 0, options);
    return pid > 0 ? look(P_PID, (id_t)pid, options)
                   : look(P_PGID, (id_t)(pid ? -pid : getpgrp()), options);
}

pid_t wait(int *status)
{
    return look_at(-1, 0) ? RESOLVED(wait)(status) : -1;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    return look_at(pid, options) ? RESOLVED(waitpid)(pid, status, options) : -1;
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
    return look_at(-1, options) ? RESOLVED(wait3)(status, options, usage) : -1;
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    return look_at(pid, options) ? RESOLVED(wait4)(pid, status, options, usage) : -1;
}

int waitid(idtype_t kind, id_t id, siginfo_t *info, int options)
{
    bool ends = (options & WEXITED) && !(kind == P_PID && !fp_children_has((pid_t)id)) && looks();
    return !ends || look(kind, id, options) ? RESOLVED(waitid)(kind, id, info, options) : -1;
}

int kill(pid_t pid, int signal)
{
    if (fp_children_any())
        fp_children_sent(pid > 0 ? pid : 0, signal);
    return RESOLVED(kill)(pid, signal);
}

int killpg(pid_t group, int signal)
{
    if (fp_children_any())
        fp_children_sent(0, signal);
    return RESOLVED(killpg)(group, signal);
}

int sigqueue(pid_t pid, int signal, const union sigval value)
{
    if (fp_children_any())
        fp_children_sent(pid, signal);
    return RESOLVED(sigqueue)(pid, signal, value);
}
