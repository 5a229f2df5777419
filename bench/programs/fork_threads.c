/* Nanoseconds for fork and wait with N other threads alive, and with one of a LIBRARY (foreign.c),
   the best of 20 batches. fork_threads N [LIBRARY]. SPDX-License-Identifier: Apache-2.0 */
#include "child.h"

#include <pthread.h>

static void *sleep_on(void *argument)
{
    pause();
    return argument;
}

int main(int count, char **arguments)
{
    enum { BATCH = 50 };
    int threads = count > 1 ? atoi(arguments[1]) : 0;
    double best = 1e18;
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, sleep_on, NULL);
    }
    if (count > 2)
        start_foreign(arguments[2]);
    for (int batch = 0; batch < 20; batch++) {
        double start = now();
        for (int i = 0; i < BATCH; i++) {
            pid_t child = fork();
            if (child == 0)
                _exit(0);
            waitpid(child, NULL, 0);
        }
        best = least(best, (now() - start) / BATCH);
    }
    printf("%.1f\n", best);
}
