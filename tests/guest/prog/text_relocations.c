/* Beside a library with text relocations. SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

int text_wait(sem_t *semaphore);
int text_lock(pthread_mutex_t *mutex);

static sem_t semaphore;

CHILD(free_waits)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    sem_init(&semaphore, 0, 1);
    must(text_wait(&semaphore) == 0 && text_lock(&mutex) == 0, "waits");
}

static void *post_later(void *unused)
{
    rest(LOOKS);
    sem_post(&semaphore);
    return unused;
}

CHILD(wait_that_lasts)
{
    sem_init(&semaphore, 0, 0);
    start(post_later, NULL);
    must(text_wait(&semaphore) == 0, "sem_wait");
}

CHILD(never_called)
{
}
