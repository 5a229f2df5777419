/* What is waited for, and what every case uses. SPDX-License-Identifier: Apache-2.0 */
#include "dead_waits.h"

struct objects own, *shared;
sem_t begun;
int from_parent[2];
pthread_t joined;

void check(int error, const char *what)
{
    errno = error;
    must(error == 0, what);
}

pthread_t start(void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    check(pthread_create(&thread, NULL, routine, argument), "pthread_create");
    return thread;
}

void wait_for(sem_t *sem)
{
    while (sem_wait(sem) < 0)
        must(errno == EINTR, "sem_wait");
}

struct timespec from_now(clockid_t clock, long milliseconds)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += milliseconds % 1000 * 1000000;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

void set_up(struct objects *objects, int is_shared)
{
    int sharing = is_shared ? PTHREAD_PROCESS_SHARED : PTHREAD_PROCESS_PRIVATE;
    pthread_mutexattr_t mutex;
    pthread_condattr_t changed;
    pthread_rwlockattr_t rwlock;
    pthread_barrierattr_t barrier;
    pthread_mutexattr_init(&mutex);
    pthread_condattr_init(&changed);
    pthread_rwlockattr_init(&rwlock);
    pthread_barrierattr_init(&barrier);
    check(pthread_mutexattr_setpshared(&mutex, sharing), "pthread_mutexattr_setpshared");
    check(pthread_condattr_setpshared(&changed, sharing), "pthread_condattr_setpshared");
    check(pthread_rwlockattr_setpshared(&rwlock, sharing), "pthread_rwlockattr_setpshared");
    check(pthread_barrierattr_setpshared(&barrier, sharing), "pthread_barrierattr_setpshared");
    check(pthread_mutex_init(&objects->mutex, &mutex), "pthread_mutex_init");
    check(pthread_cond_init(&objects->changed, &changed), "pthread_cond_init");
    check(pthread_rwlock_init(&objects->rwlock, &rwlock), "pthread_rwlock_init");
    check(pthread_barrier_init(&objects->barrier, &barrier, 2), "pthread_barrier_init");
    must(sem_init(&objects->sem, is_shared, 0) == 0, "sem_init");
    must(sem_init(&objects->other, is_shared, 0) == 0, "sem_init");
}
