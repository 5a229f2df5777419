/* A library with a thread of its own, which sleeps; a forked child loses it.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

int foreign_start(void);
void foreign_wake(long times);

static sem_t runs;

static void *sleep_on(void *argument)
{
    sem_post(&runs);
    for (;;)
        pause();
    return argument;
}

/* 0: the thread is there, and runs. */
int foreign_start(void)
{
    pthread_t thread;
    if (sem_init(&runs, 0, 0) != 0 || pthread_create(&thread, NULL, sleep_on, NULL) != 0)
        return -1;
    while (sem_wait(&runs) != 0)
        ;
    return 0;
}

/* As a runtime wakes its workers. */
void foreign_wake(long times)
{
    static int word;
    for (long i = 0; i < times; i++)
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
