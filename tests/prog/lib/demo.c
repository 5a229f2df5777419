/* A runtime as small as can be: threads that have a name and sleep until they are stopped. As many
   as DEMO_CLEANERS says have another one.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

enum { MOST = 64 };

static pthread_t threads[MOST];
static int count;
static sem_t ready, stop;

static char *name_of(int nth)
{
    const char *cleaners = getenv("DEMO_CLEANERS");
    static char cleaner[] = "demo-cleaner", worker[] = "demo-worker";
    return cleaners && nth < atoi(cleaners) ? cleaner : worker;
}

static void *run(void *name)
{
    pthread_setname_np(pthread_self(), name);
    sem_post(&ready);
    while (sem_wait(&stop) != 0)
        ;
    return name;
}

void start_threads(int wanted);
void stop_threads(void);
pid_t fork_here(void);

void start_threads(int wanted)
{
    if (!count) {
        sem_init(&ready, 0, 0);
        sem_init(&stop, 0, 0);
    }
    for (int i = 0; i < wanted && count < MOST; i++) {
        if (pthread_create(&threads[count], NULL, run, name_of(count)) != 0)
            abort();
        count++;
        while (sem_wait(&ready) != 0)
            ;
    }
}

void stop_threads(void)
{
    for (int i = 0; i < count; i++)
        sem_post(&stop);
    while (count)
        pthread_join(threads[--count], NULL);
}

/* A fork site that is not the program's: a real call, not a jump, so that it returns to here. */
pid_t fork_here(void)
{
    pid_t child = fork();
    __asm__ volatile("" : "+r"(child));
    return child;
}
