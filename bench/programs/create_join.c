/* Nanoseconds for pthread_create and pthread_join, the best of 20 batches. */
#include "bench.h"

#include <pthread.h>

static void *nothing(void *argument)
{
    return argument;
}

int main(void)
{
    enum { BATCH = 500 };
    double best = 1e18;
    for (int batch = 0; batch < 20; batch++) {
        double start = now();
        for (int i = 0; i < BATCH; i++) {
            pthread_t thread;
            pthread_create(&thread, NULL, nothing, NULL);
            pthread_join(thread, NULL);
        }
        best = least(best, (now() - start) / BATCH);
    }
    printf("%.1f\n", best);
}
