/*
 * carried_abandoned WHICH: four threads wait, and are carried into a child that can start all of
 * them but the one of that number, from 0. So it has none, and libc knows that they have ended: it
 * joins them, starts and joins others, and its main thread ends as the last one, so that what is to
 * be done at the exit is done. "ended" says that it came so far.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "forbid.h"

#include <semaphore.h>

enum { COUNT = 4, ROUNDS = 20 };

static pthread_t threads[COUNT];
static sem_t unposted, waiting;

static void *wait_in_vain(void *unused)
{
    sem_post(&waiting);
    while (sem_wait(&unposted) != 0) {
    }
    return unused;
}

static void say_ended(void)
{
    say("ended\n");
}

static void live_without(void)
{
    alarm(30);
    must(task_count() == 1, "the child's tasks");
    for (int i = 0; i < COUNT; i++)
        must(pthread_join(threads[i], NULL) == 0, "pthread_join");
    for (int i = 0; i < ROUNDS; i++)
        start_and_join();
    atexit(say_ended);
    pthread_exit(NULL);
}

int main(int count, char **arguments)
{
    must(count == 2, "carried_abandoned WHICH");
    alarm(60);
    sem_init(&unposted, 0, 0);
    sem_init(&waiting, 0, 0);
    for (int i = 0; i < COUNT; i++)
        must(pthread_create(&threads[i], NULL, wait_in_vain, NULL) == 0, "pthread_create");
    for (int i = 0; i < COUNT; i++)
        sem_wait(&waiting);
    forbid_thread(threads[atoi(arguments[1])]);
    pid_t child = fork();
    if (child == 0)
        live_without();
    say("the child ended with %d\n", end_of(child));
    _exit(0);
}
