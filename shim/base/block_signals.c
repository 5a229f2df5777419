/* See block_signals.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/block_signals.h"

#include "shim/base/child_section.h"

#include <stdbool.h>
#include <stddef.h>

/* The kernel drops these where nobody handles them, unless the main thread blocks them: then another
   thread is woken, and its epoll_wait says EINTR. */
static const int ignored[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};

FP_CHILD static bool is_handled(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) != 0 ||
           (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

FP_CHILD void fp_block_signals(sigset_t *before)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&blocked, own[i]);
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        if (!is_handled(ignored[i]))
            sigdelset(&blocked, ignored[i]);
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}
