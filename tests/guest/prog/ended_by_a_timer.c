/*
 * A time limit that needs no handler: the process is ended by the signal of a timer that it has
 * set, and its parent sees by which one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t never;

static void *wait_for_ever(void *unused)
{
    wait_for(&never);
    return unused;
}

static void set_timer(int number)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number};
    struct itimerspec time = {.it_value = {0, LOOKS * 1000000L}};
    must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
    must(timer_settime(timer, 0, &time, NULL) == 0, "timer_settime");
}

static int ends_by(int number, void (*body)(void))
{
    start_sleeper();
    sem_init(&never, 0, 0);
    int end = end_in_time(start_child(body));
    say("the child ends with %d\n", end);
    return end != 128 + number;
}

#define ENDS(name, number)                       \
    static void name##_in_child(void);           \
    SCENARIO(name)                               \
    {                                            \
        return ends_by(number, name##_in_child); \
    }                                            \
    static void name##_in_child(void)

ENDS(semaphore_by_an_alarm, SIGALRM)
{
    alarm_in(LOOKS * 1000);
    wait_for(&never);
}

ENDS(mutex_by_an_alarm, SIGALRM)
{
    alarm_in(LOOKS * 1000);
    pthread_mutex_lock(&mutex);
    pthread_mutex_lock(&mutex);
}

ENDS(join_by_an_alarm, SIGALRM)
{
    alarm_in(LOOKS * 1000);
    pthread_join(start(wait_for_ever, NULL), NULL);
}

ENDS(semaphore_by_a_timer, SIGTERM)
{
    set_timer(SIGTERM);
    wait_for(&never);
}

ENDS(semaphore_by_a_timer_that_kills, SIGKILL)
{
    set_timer(SIGKILL);
    wait_for(&never);
}
