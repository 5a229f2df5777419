/* What a successful fork or pthread_create must leave alone: errno, the signal mask, pending
   signals, dispositions, and open descriptors. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <fcntl.h>

static void show_descriptors(void)
{
    for (int i = 0; i < 64; i++)
        if (fcntl(i, F_GETFD) >= 0)
            say(" %d", i);
}

static void show(const char *when, int error)
{
    sigset_t mask, pending;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    sigpending(&pending);
    say("%s: errno %d mask", when, error);
    for (int i = 1; i < 65; i++)
        if (sigismember(&mask, i) == 1)
            say(" %d", i);
    say(" pending");
    for (int i = 1; i < 65; i++)
        if (sigismember(&pending, i) == 1)
            say(" %d", i);
    say(" files");
    show_descriptors();
    for (int i = 1; i < 32; i++) {
        struct sigaction action;
        if (sigaction(i, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            say(" handles %d", i);
    }
    say("\n");
}

static void fork_once(const char *name, pid_t (*forks)(void))
{
    errno = ERANGE;
    pid_t child = forks();
    int error = errno;
    if (child == 0) {
        show(name, error);
        errno = EDOM;
        start_and_join();
        say("after a thread: errno %d\n", errno);
        _exit(0);
    }
    int status = end_of(child);
    show(name, error);
    must(status == 0, "the child");
}

int main(void)
{
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    start_sleeper();
    fork_once("fork, SIGPIPE open", fork);
    sigaddset(&blocked, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGPIPE);
    raise(SIGUSR1);
    show("start", 0);
    fork_once("fork", fork);
    errno = EDOM;
    start_sleeper();
    say("after a thread: errno %d\n", errno);
    fork_once("fork", fork);
    if (HAS_SMALL_FORK)
        fork_once("_Fork", _Fork);
    show("end", 0);
    return 0;
}
