/*
 * Nanoseconds from a wait that nobody can end to the child's end with status 70, as the parent sees
 * it, once for each of COUNT children. verdicts LIBRARY one|two COUNT
 *
 * `two`: another thread of the child has been waiting for a semaphore of its own when the main
 * thread begins to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "child.h"

#include <pthread.h>
#include <semaphore.h>

enum { SETTLES = 2000, PATIENCE = 60 }; /* microseconds, seconds */

static sem_t never, never_either, begun;

static void *wait_too(void *unused)
{
    sem_post(&begun);
    sem_wait(&never_either);
    return unused;
}

struct wait {
    int threads;
    double start;
};

static void wait_for_ever(void *context)
{
    struct wait *wait = context;
    pthread_t thread;
    alarm(PATIENCE);
    if (wait->threads == 2) {
        must(pthread_create(&thread, NULL, wait_too, NULL) == 0, "pthread_create");
        sem_wait(&begun);
        usleep(SETTLES);
    }
    wait->start = now();
    sem_wait(&never);
}

int main(int count, char **arguments)
{
    must(count == 4, "verdicts LIBRARY one|two COUNT");
    struct wait *wait = share(sizeof *wait);
    wait->threads = strcmp(arguments[2], "two") == 0 ? 2 : 1;
    sem_init(&never, 0, 0);
    sem_init(&never_either, 0, 0);
    sem_init(&begun, 0, 0);
    start_foreign(arguments[1]);
    for (int i = atoi(arguments[3]); i > 0; i--) {
        int status = run_in_child(wait_for_ever, wait);
        double end = now();
        must(status == 70, "the end of the child by a verdict");
        printf("%.0f\n", end - wait->start);
        fflush(stdout); /* the next child is not to have it, too */
    }
}
