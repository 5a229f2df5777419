/*
 * Which waits are cancellation points: sem_wait and pthread_join are, also where they need not
 * wait; locks are not, also where they do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;

static void *take_and_give(void *unused)
{
    for (;;) {
        sem_wait(&semaphore);
        sem_post(&semaphore);
    }
    return unused;
}

static void expect(pthread_t thread, void *expected)
{
    void *result;
    must(pthread_join(thread, &result) == 0 && result == expected, "how the thread ended");
}

CHILD(free_semaphore_in_a_loop)
{
    sem_init(&semaphore, 0, 1);
    pthread_t thread = start(take_and_give, NULL);
    rest(50);
    pthread_cancel(thread);
    expect(thread, PTHREAD_CANCELED);
}

static void *take_while_cancelled(void *unused)
{
    pthread_cancel(pthread_self());
    sem_wait(&semaphore);
    return unused;
}

CHILD(free_semaphore_when_cancelled_before)
{
    int value;
    sem_init(&semaphore, 0, 1);
    expect(start(take_while_cancelled, NULL), PTHREAD_CANCELED);
    must(sem_getvalue(&semaphore, &value) == 0 && value == 1, "the semaphore was not taken");
}

static void *take(void *unused)
{
    sem_wait(&semaphore);
    return unused;
}

CHILD(semaphore_that_is_waited_for)
{
    sem_init(&semaphore, 0, 0);
    pthread_t thread = start(take, NULL);
    rest(LOOKS);
    pthread_cancel(thread);
    expect(thread, PTHREAD_CANCELED);
}

/* Cancelled before it is locked and while it waits; ends by itself. */
static void *lock_while_cancelled(void *unused)
{
    pthread_cancel(pthread_self());
    pthread_mutex_lock(&mutex);
    pthread_rwlock_wrlock(&lock);
    return unused;
}

CHILD(locks_are_none)
{
    pthread_mutex_lock(&mutex);
    pthread_rwlock_rdlock(&lock);
    pthread_t thread = start(lock_while_cancelled, NULL);
    rest(LOOKS);
    pthread_mutex_unlock(&mutex);
    rest(LOOKS);
    pthread_rwlock_unlock(&lock);
    expect(thread, NULL);
}

static void *wait_for_word_while_cancelled(void *word)
{
    pthread_cancel(pthread_self());
    while (!__atomic_load_n((int *)word, __ATOMIC_SEQ_CST))
        futex(word, FUTEX_WAIT_PRIVATE, 0);
    return NULL;
}

CHILD(futex_is_none)
{
    static int word;
    pthread_t thread = start(wait_for_word_while_cancelled, &word);
    rest(LOOKS);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    futex(&word, FUTEX_WAKE_PRIVATE, 1);
    expect(thread, NULL);
}
