/* Nanoseconds for an uncontended lock and unlock, the best of 20 batches. */
#include "bench.h"

#include <pthread.h>

int main(void)
{
    enum { BATCH = 1000000 };
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    double best = 1e18;
    for (int batch = 0; batch < 20; batch++) {
        double start = now();
        for (int i = 0; i < BATCH; i++) {
            pthread_mutex_lock(&mutex);
            pthread_mutex_unlock(&mutex);
        }
        best = least(best, (now() - start) / BATCH);
    }
    printf("%.3f\n", best);
}
