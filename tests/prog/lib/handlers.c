/* Threads, and atfork handlers before the fork and in the child. SPDX-License-Identifier:
 * Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static void nothing(void)
{
}

static void *run(void *unused)
{
    for (;;)
        pause();
    return unused;
}

void start_threads(int wanted);

void start_threads(int wanted)
{
    pthread_t thread;
    if (pthread_atfork(nothing, NULL, nothing) != 0)
        abort();
    for (int i = 0; i < wanted; i++)
        if (pthread_create(&thread, NULL, run, NULL) != 0)
            abort();
}
