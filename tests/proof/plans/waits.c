/* The waits, and their ends. SPDX-License-Identifier: Apache-2.0 */
#include "plan.h"

sem_t own_semaphore, never, held;
int own_word, other_word, ready;
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t condition_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_barrier_t barrier;
pthread_t joined;
sigjmp_buf out;

int is_shared(enum wait wait)
{
    return wait == wait_shared_semaphore || wait == wait_shared_futex;
}

int is_futex(enum wait wait)
{
    return wait == wait_futex || wait == wait_futex_bitset || wait == wait_shared_futex;
}

sem_t *semaphore(void)
{
    return plan.wait == wait_shared_semaphore ? &shared->semaphore : &own_semaphore;
}

int *word(void)
{
    return plan.wait == wait_shared_futex ? &shared->word : &own_word;
}

static int futex_flag(void)
{
    return plan.wait == wait_shared_futex ? 0 : FUTEX_PRIVATE_FLAG;
}

void end_wait(void)
{
    if (is_futex(plan.wait)) {
        __atomic_store_n(word(), 1, __ATOMIC_SEQ_CST);
        futex(word(), FUTEX_WAKE | futex_flag(), 1);
    } else {
        sem_post(semaphore());
    }
}

void wait_once(void)
{
    long operation = plan.wait == wait_futex_bitset ? FUTEX_WAIT_BITSET : FUTEX_WAIT;
    switch (plan.wait) {
    case wait_semaphore:
    case wait_shared_semaphore:
        wait_for(semaphore());
        break;
    case wait_condition:
        pthread_mutex_lock(&condition_mutex);
        while (!ready)
            pthread_cond_wait(&condition, &condition_mutex);
        pthread_mutex_unlock(&condition_mutex);
        break;
    case wait_mutex:
    case wait_own_mutex:
        must(pthread_mutex_lock(&mutex) == 0, "pthread_mutex_lock");
        break;
    case wait_read_lock:
        must(pthread_rwlock_rdlock(&lock) == 0, "pthread_rwlock_rdlock");
        break;
    case wait_write_lock:
        must(pthread_rwlock_wrlock(&lock) == 0, "pthread_rwlock_wrlock");
        break;
    case wait_barrier:
        pthread_barrier_wait(&barrier);
        break;
    case wait_join:
        must(pthread_join(joined, NULL) == 0, "pthread_join");
        break;
    default:
        while (!__atomic_load_n(word(), __ATOMIC_SEQ_CST))
            futex(word(), (int)operation | futex_flag(), 0);
    }
}

void wait_for_a_time(long milliseconds)
{
    struct timespec at = milliseconds_from_now(CLOCK_REALTIME, milliseconds);
    struct timespec span = {0, milliseconds * 1000000};
    switch (plan.wait) {
    case wait_semaphore:
    case wait_shared_semaphore:
        must(sem_timedwait(semaphore(), &at) < 0, "sem_timedwait");
        break;
    case wait_condition:
        pthread_mutex_lock(&condition_mutex);
        pthread_cond_timedwait(&condition, &condition_mutex, &at);
        pthread_mutex_unlock(&condition_mutex);
        break;
    case wait_mutex:
    case wait_own_mutex:
        if (pthread_mutex_timedlock(&mutex, &at) == 0)
            pthread_mutex_unlock(&mutex); /* the holder had more time than this thread */
        break;
    case wait_read_lock:
        if (pthread_rwlock_timedrdlock(&lock, &at) == 0)
            pthread_rwlock_unlock(&lock);
        break;
    case wait_write_lock:
        if (pthread_rwlock_timedwrlock(&lock, &at) == 0)
            pthread_rwlock_unlock(&lock);
        break;
    default:
        syscall(SYS_futex, word(), FUTEX_WAIT | futex_flag(), 0, &span, NULL, 0);
    }
}

void give_back(void)
{
    if (plan.wait == wait_mutex || plan.wait == wait_own_mutex)
        pthread_mutex_unlock(&mutex);
    else
        end_wait();
}
