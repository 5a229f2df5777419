/* How a member waits for its turn, and how it is given. SPDX-License-Identifier: Apache-2.0 */
#include "watch_stress.h"

#include <linux/futex.h>

static pthread_mutex_t common = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t common_changed = PTHREAD_COND_INITIALIZER;

int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

uint64_t draw(uint64_t *random, uint64_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (*random >> 16) % below;
}

pthread_t start(void *(*routine)(void *), void *argument)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, routine, argument) == 0, "pthread_create");
    return thread;
}

void wait_for(sem_t *sem)
{
    while (sem_wait(sem) < 0)
        must(errno == EINTR, "sem_wait");
}

void lock(pthread_mutex_t *mutex)
{
    must(pthread_mutex_lock(mutex) == 0, "pthread_mutex_lock");
}

void unlock(pthread_mutex_t *mutex)
{
    must(pthread_mutex_unlock(mutex) == 0, "pthread_mutex_unlock");
}

/* A lock is kept by a thread of its own, the keeper, until it is told that it is the member's
   turn; the member tells it when to take the lock again. */

static void take_to_keep(struct member *member)
{
    if (member->kind == MUTEX)
        lock(&member->mutex);
    else if (member->kind == READ_LOCK)
        must(pthread_rwlock_wrlock(&member->rwlock) == 0, "pthread_rwlock_wrlock");
    else
        must(pthread_rwlock_rdlock(&member->rwlock) == 0, "pthread_rwlock_rdlock");
}

static void take(struct member *member)
{
    if (member->kind == MUTEX)
        lock(&member->mutex);
    else if (member->kind == READ_LOCK)
        must(pthread_rwlock_rdlock(&member->rwlock) == 0, "pthread_rwlock_rdlock");
    else
        must(pthread_rwlock_wrlock(&member->rwlock) == 0, "pthread_rwlock_wrlock");
}

static void give_up(struct member *member)
{
    if (member->kind == MUTEX)
        unlock(&member->mutex);
    else
        must(pthread_rwlock_unlock(&member->rwlock) == 0, "pthread_rwlock_unlock");
}

int has_keeper(const struct member *member)
{
    return member->kind == MUTEX || member->kind == READ_LOCK || member->kind == WRITE_LOCK;
}

void *keep(void *argument)
{
    struct member *member = argument;
    while (!__atomic_load_n(&member->gone, __ATOMIC_SEQ_CST)) {
        take_to_keep(member);
        sem_post(&member->held);
        wait_for(&member->sem);
        give_up(member);
        wait_for(&member->again);
    }
    return NULL;
}

static void *end_when_posted(void *sem)
{
    wait_for(sem);
    return NULL;
}

static void wait_on_condition(struct member *member, pthread_mutex_t *mutex, pthread_cond_t *cond)
{
    lock(mutex);
    while (!member->turn)
        must(pthread_cond_wait(cond, mutex) == 0, "pthread_cond_wait");
    member->turn = 0;
    unlock(mutex);
}

static void signal_condition(struct member *member, pthread_mutex_t *mutex, pthread_cond_t *cond,
                             int first, int (*wake)(pthread_cond_t *))
{
    lock(mutex);
    member->turn = 1;
    if (first)
        wake(cond);
    unlock(mutex);
    if (!first)
        wake(cond);
}

static void wait_on_word(struct member *member, int operation)
{
    while (!__atomic_exchange_n(&member->turn, 0, __ATOMIC_SEQ_CST))
        if (syscall(SYS_futex, &member->turn, operation, 0, NULL, NULL, ~0U) < 0)
            must(errno == EINTR || errno == EAGAIN, "futex");
}

static void wake_word(struct member *member, int operation)
{
    __atomic_store_n(&member->turn, 1, __ATOMIC_SEQ_CST);
    must(syscall(SYS_futex, &member->turn, operation, 1, NULL, NULL, ~0U) >= 0, "futex");
}

static void meet(struct member *member)
{
    int error = pthread_barrier_wait(&member->barrier);
    must(error == 0 || error == PTHREAD_BARRIER_SERIAL_THREAD, "pthread_barrier_wait");
}

void wait_for_turn(struct member *member)
{
    switch (member->kind) {
    case CONDITION:
        wait_on_condition(member, &member->mutex, &member->changed);
        break;
    case COMMON_CONDITION:
        wait_on_condition(member, &common, &common_changed);
        break;
    case MUTEX:
    case READ_LOCK:
    case WRITE_LOCK:
        wait_for(&member->held);
        take(member);
        give_up(member);
        break;
    case FUTEX:
        wait_on_word(member, FUTEX_WAIT_PRIVATE);
        break;
    case FUTEX_BITSET:
        wait_on_word(member, FUTEX_WAIT_BITSET_PRIVATE);
        break;
    case FUTEX_ANY:
        wait_on_word(member, FUTEX_WAIT);
        break;
    case BARRIER:
        meet(member);
        break;
    case JOIN:
        must(pthread_join(start(end_when_posted, &member->sem), NULL) == 0, "pthread_join");
        break;
    default:
        wait_for(&member->sem);
    }
}

void give_turn(struct member *member, int first)
{
    switch (member->kind) {
    case CONDITION:
        signal_condition(member, &member->mutex, &member->changed, first, pthread_cond_signal);
        break;
    case COMMON_CONDITION:
        signal_condition(member, &common, &common_changed, first, pthread_cond_broadcast);
        break;
    case FUTEX:
        wake_word(member, FUTEX_WAKE_PRIVATE);
        break;
    case FUTEX_BITSET:
        wake_word(member, FUTEX_WAKE_BITSET_PRIVATE);
        break;
    case FUTEX_ANY:
        wake_word(member, FUTEX_WAKE);
        break;
    case BARRIER:
        meet(member);
        break;
    default:
        sem_post(&member->sem);
    }
}
