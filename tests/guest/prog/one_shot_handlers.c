/*
 * Whether a wait ends with EINTR is said by the handler that ran, as it was installed when the
 * signal came: not by others, and not by what it is after it ran.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static sem_t semaphore;
static int ran;

static void note(int number)
{
    (void)number;
    ran = 1;
}

static void *post_later(void *unused)
{
    rest(1000);
    sem_post(&semaphore);
    return unused;
}

/* The poster takes no alarm. */
static void wait_with_alarm(int expected)
{
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sem_init(&semaphore, 0, 0);
    pthread_sigmask(SIG_BLOCK, &alarms, NULL);
    start(post_later, NULL);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    alarm_in(LOOKS * 1000);
    int error = sem_wait(&semaphore) ? errno : 0;
    must(ran && error == expected, "how sem_wait ended");
}

CHILD(once_and_interrupts)
{
    handle(SIGALRM, note, (int)SA_RESETHAND);
    wait_with_alarm(EINTR);
}

CHILD(once_and_interrupts_beside_one_that_restarts)
{
    handle(SIGUSR1, note, SA_RESTART);
    handle(SIGALRM, note, (int)SA_RESETHAND);
    wait_with_alarm(EINTR);
}

CHILD(once_and_restarts)
{
    handle(SIGALRM, note, (int)SA_RESETHAND | SA_RESTART);
    wait_with_alarm(0);
}

static void install_one_that_restarts(int number)
{
    ran = 1;
    handle(number, note, SA_RESTART);
}

static void install_one_that_interrupts(int number)
{
    ran = 1;
    handle(number, note, 0);
}

CHILD(interrupts_and_installs_one_that_restarts)
{
    handle(SIGALRM, install_one_that_restarts, 0);
    wait_with_alarm(EINTR);
}

CHILD(restarts_and_installs_one_that_interrupts)
{
    handle(SIGALRM, install_one_that_interrupts, SA_RESTART);
    wait_with_alarm(0);
}

static void ignore_it(int number)
{
    ran = 1;
    signal(number, SIG_IGN);
}

CHILD(interrupts_and_is_ignored_from_then_on)
{
    handle(SIGUSR1, note, SA_RESTART);
    handle(SIGALRM, ignore_it, 0);
    wait_with_alarm(EINTR);
}
