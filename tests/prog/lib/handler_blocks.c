/* A library whose handler for forks waits for its own worker. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *hold(void *unused)
{
    pthread_mutex_lock(&lock);
    for (;;)
        pause();
    return unused;
}

static int forks;

static void prepare(void)
{
    pthread_mutex_lock(&lock);
    forks++;
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    pthread_atfork(prepare, NULL, NULL);
    pthread_create(&thread, NULL, hold, NULL);
    usleep(20000);
}
