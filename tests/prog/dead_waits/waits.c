/* Waits, one of each kind, and what ends them. A lock is held by who ends the wait.
 * SPDX-License-Identifier: Apache-2.0 */
#include "dead_waits.h"

#include <linux/futex.h>

void hold_mutex(struct objects *of)
{
    check(pthread_mutex_lock(&of->mutex), "pthread_mutex_lock");
}

void release_mutex(struct objects *of)
{
    check(pthread_mutex_unlock(&of->mutex), "pthread_mutex_unlock");
}

void use_mutex(struct objects *of)
{
    hold_mutex(of);
    release_mutex(of);
}

void hold_rwlock(struct objects *of)
{
    check(pthread_rwlock_wrlock(&of->rwlock), "pthread_rwlock_wrlock");
}

void release_rwlock(struct objects *of)
{
    check(pthread_rwlock_unlock(&of->rwlock), "pthread_rwlock_unlock");
}

void use_to_read(struct objects *of)
{
    check(pthread_rwlock_rdlock(&of->rwlock), "pthread_rwlock_rdlock");
    release_rwlock(of);
}

void use_to_write(struct objects *of)
{
    hold_rwlock(of);
    release_rwlock(of);
}

void await_change(struct objects *of)
{
    hold_mutex(of);
    while (!of->happened)
        check(pthread_cond_wait(&of->changed, &of->mutex), "pthread_cond_wait");
    release_mutex(of);
}

void change(struct objects *of)
{
    hold_mutex(of);
    of->happened = 1;
    pthread_cond_broadcast(&of->changed);
    release_mutex(of);
}

void await_post(struct objects *of)
{
    wait_for(&of->sem);
}

void post(struct objects *of)
{
    sem_post(&of->sem);
}

void meet(struct objects *of)
{
    int error = pthread_barrier_wait(&of->barrier);
    check(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "pthread_barrier_wait");
}

void await_word(struct objects *of, int operation)
{
    while (!__atomic_load_n(&of->word, __ATOMIC_SEQ_CST))
        if (syscall(SYS_futex, &of->word, operation, 0, NULL, NULL, 0) < 0)
            must(errno == EINTR || errno == EAGAIN, "futex");
}

void set_word(struct objects *of, int operation)
{
    __atomic_store_n(&of->word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &of->word, operation, 1, NULL, NULL, 0);
}

static void await_word_private(struct objects *of)
{
    await_word(of, FUTEX_WAIT_PRIVATE);
}

static void set_word_private(struct objects *of)
{
    set_word(of, FUTEX_WAKE_PRIVATE);
}

static void await_word_any(struct objects *of)
{
    await_word(of, FUTEX_WAIT);
}

static void set_word_any(struct objects *of)
{
    set_word(of, FUTEX_WAKE);
}

void join(struct objects *of)
{
    (void)of;
    check(pthread_join(joined, NULL), "pthread_join");
}

const struct wait WAITS[] = {
    {"sem", NULL, await_post, post},
    {"cond", NULL, await_change, change},
    {"mutex", hold_mutex, use_mutex, release_mutex},
    {"rdlock", hold_rwlock, use_to_read, release_rwlock},
    {"wrlock", hold_rwlock, use_to_write, release_rwlock},
    {"join", NULL, join, NULL},
    {"barrier", NULL, meet, meet},
    {"futex", NULL, await_word_private, set_word_private},
    {"futex_any", NULL, await_word_any, set_word_any},
    {.name = NULL},
};
