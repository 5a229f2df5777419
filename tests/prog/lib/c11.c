/* Threads by thrd_create. SPDX-License-Identifier: Apache-2.0 */
#include <semaphore.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

static sem_t ready;

static int run(void *unused)
{
    sem_post(&ready);
    for (;;)
        pause();
    return unused != NULL;
}

void start_threads(int wanted);

void start_threads(int wanted)
{
    thrd_t thread;
    sem_init(&ready, 0, 0);
    for (int i = 0; i < wanted; i++) {
        if (thrd_create(&thread, run, NULL) != thrd_success)
            abort();
        while (sem_wait(&ready) != 0)
            ;
    }
}
