/*
 * Built without -fPIC: what it is linked by lies in read-only memory, to which the loader writes
 * before the program starts (DT_TEXTREL).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <semaphore.h>

typedef int wait_function(sem_t *);
typedef int lock_function(pthread_mutex_t *);

static wait_function *const WAITS[] = {sem_wait, sem_wait};
static lock_function *const LOCKS[] = {pthread_mutex_lock, pthread_mutex_lock};

int text_wait(sem_t *semaphore)
{
    return WAITS[!semaphore](semaphore);
}

int text_lock(pthread_mutex_t *mutex)
{
    return LOCKS[!mutex](mutex);
}
