/*
 * lock_held: a thread holds a mutex for a few microseconds in every millisecond; a child that is
 * forked meanwhile waits for it for ever. "held" or "free" is what the child finds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *hold_now_and_then(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        for (volatile int i = 0; i < 2000; i++)
            ;
        pthread_mutex_unlock(&mutex);
        rest(1);
    }
    return unused;
}

int main(void)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, hold_now_and_then, NULL) == 0, "pthread_create");
    rest(20);
    pid_t child = fork();
    if (child == 0) {
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_nsec += 200 * 1000 * 1000;
        end.tv_sec += end.tv_nsec / 1000000000;
        end.tv_nsec %= 1000000000;
        _exit(pthread_mutex_timedlock(&mutex, &end) != 0);
    }
    say("%s\n", end_of(child) ? "held" : "free");
    return 0;
}
