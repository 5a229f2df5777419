/* Forks in a signal handler that breaks in upon pthread_create and fork of the same thread. By
   _Fork, the one that POSIX allows there: fork in such a handler can hang bare glibc.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <sys/time.h>

static volatile int forks, bad;

static void handle(int number)
{
    int saved = errno;
    (void)number;
    pid_t child = _Fork();
    if (child == 0)
        _exit(7);
    forks++;
    bad += child < 0 || end_of(child) != 7;
    errno = saved;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    struct itimerval often = {{0, 3000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
    start_sleeper();
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < 20; i++)
        raise(SIGUSR1);
    say("raised %d bad %d\n", forks, bad);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; forks < 60 && i < 100000; i++)
        start_and_join();
    setitimer(ITIMER_REAL, &never, NULL);
    say("enough %d bad %d\n", forks >= 60, bad);
    return 0;
}
