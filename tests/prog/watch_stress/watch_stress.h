/* Members that hand a token on, and the kinds of their waits. SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_WATCH_STRESS_H
#define TESTS_WATCH_STRESS_H

#include "../host.h"

#include <semaphore.h>
#include <stdint.h>

enum kind {
    SEMAPHORE,
    CONDITION,
    COMMON_CONDITION, /* woken whenever any of its kind is meant */
    MUTEX,
    READ_LOCK,
    WRITE_LOCK,
    FUTEX,
    FUTEX_BITSET,
    FUTEX_ANY, /* without the private flag, on private memory */
    BARRIER,
    JOIN,
    KINDS
};

struct member {
    enum kind kind;
    int number, gone, turn;
    uint64_t random;
    int64_t due; /* for whoever waits long: when it is its turn */
    pthread_t thread, helper;
    sem_t sem, held, again; /* keepers wait for sem and again */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_rwlock_t rwlock;
    pthread_barrier_t barrier;
};

int64_t now(void);
uint64_t draw(uint64_t *random, uint64_t below);
pthread_t start(void *(*routine)(void *), void *argument);
void wait_for(sem_t *sem);
void lock(pthread_mutex_t *mutex);
void unlock(pthread_mutex_t *mutex);
int has_keeper(const struct member *member);
void *keep(void *argument);
void wait_for_turn(struct member *member);
void give_turn(struct member *member, int first);

#endif
