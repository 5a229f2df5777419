/*
 * A signal handler forks while the same thread is about to fork: a registered runtime is prepared
 * and led through both forks. Needs quiesce_ms, so that the shim waits on that thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include "forkpolicy.h"

static int held, handler_forks, left_prepared;

static int prepare(void *unused)
{
    (void)unused;
    held = 1;
    return 0;
}

static void release(void *unused)
{
    (void)unused;
    held = 0;
}

static const struct forkpolicy_runtime runtime = {.abi = FORKPOLICY_ABI,
                                                  .name = "held",
                                                  .anchor = &runtime,
                                                  .prepare = prepare,
                                                  .parent = release,
                                                  .child = release};

static void fork_here(int number)
{
    int saved = errno;
    pid_t child = fork();
    if (child == 0)
        _exit(held);
    (void)number;
    left_prepared += end_of(child) != 0;
    handler_forks++;
    errno = saved;
}

static void *run_for_ever(void *unused)
{
    for (volatile long i = 0;; i++)
        ;
    return unused;
}

SCENARIO(while_it_waits_for_quiet)
{
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    must(forkpolicy_attach(&runtime) == 0, "forkpolicy_attach");
    handle(SIGALRM, fork_here, 0);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    start(run_for_ever, NULL);
    alarm_in(200000);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(held);
    int status = end_of(child);
    while (!handler_forks)
        rest(5);
    say("children in which it stayed prepared: %d\n", left_prepared + (status != 0));
    return left_prepared || status;
}
