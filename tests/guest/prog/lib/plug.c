/* A library that waits, to be opened and closed. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <semaphore.h>

int plug_wait(sem_t *semaphore)
{
    return sem_wait(semaphore);
}

int plug_lock(pthread_mutex_t *mutex)
{
    return pthread_mutex_lock(mutex);
}

char padding[65536];
