/* A library with a pool of threads, which wait for a condition. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

void pool_start(int threads);
void pool_work(void);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wanted = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static int size, idle;
static unsigned long round_number;

static void *serve(void *argument)
{
    pthread_mutex_lock(&lock);
    for (unsigned long seen = round_number;; seen = round_number) {
        idle++;
        pthread_cond_signal(&done);
        while (seen == round_number)
            pthread_cond_wait(&wanted, &lock);
    }
    return argument;
}

static void wait_until_idle(void)
{
    while (idle < size)
        pthread_cond_wait(&done, &lock);
}

void pool_start(int threads)
{
    size = threads;
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, serve, NULL) != 0)
            abort();
    }
    pthread_mutex_lock(&lock);
    wait_until_idle();
    pthread_mutex_unlock(&lock);
}

/* Each thread has its turn. */
void pool_work(void)
{
    pthread_mutex_lock(&lock);
    idle = 0;
    round_number++;
    pthread_cond_broadcast(&wanted);
    wait_until_idle();
    pthread_mutex_unlock(&lock);
}
