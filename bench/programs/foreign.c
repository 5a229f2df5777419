/* A library with a thread of its own, which sleeps; a forked child loses it.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

int foreign_start(void);
void foreign_wake(long times);

static void *sleep_on(void *argument)
{
    for (;;)
        pause();
    return argument;
}

/* 0: the thread is there. */
int foreign_start(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, sleep_on, NULL);
}

/* As a runtime wakes its workers. */
void foreign_wake(long times)
{
    static int word;
    for (long i = 0; i < times; i++)
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
