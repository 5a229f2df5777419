/* Nanoseconds for fork and wait with N other threads alive, the best of 20 batches. */
#include "bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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
