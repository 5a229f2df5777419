/*
 * A thread changes a condition, and lets its lock go at its very end: who waits comes back to find
 * itself alone, and has not looked yet. So that the thread has ended by then, both run on one
 * processor, and who waits only when nobody else does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <sched.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int is_changed;
static pthread_key_t held;

static void let_go(void *lock)
{
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(lock);
}

static void schedule(int policy)
{
    struct sched_param none = {0};
    must(sched_setscheduler(0, policy, &none) == 0, "sched_setscheduler");
}

static void stay_here(void)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    must(sched_setaffinity(0, sizeof here, &here) == 0, "sched_setaffinity");
}

static void *change(void *unused)
{
    schedule(SCHED_OTHER);
    pthread_mutex_lock(&mutex);
    is_changed = 1;
    rest(50); /* longer than a slice: the signal comes to one who waits for the lock again */
    pthread_setspecific(held, &mutex);
    return unused;
}

static void wait_for_change(void)
{
    pthread_t thread = start(change, NULL);
    pthread_detach(thread);
    while (!is_changed)
        pthread_cond_wait(&condition, &mutex);
    is_changed = 0;
}

static void wait_several_times(void)
{
    pthread_key_create(&held, let_go);
    stay_here();
    schedule(SCHED_IDLE);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 10; i++)
        wait_for_change();
    pthread_mutex_unlock(&mutex);
}

CHILD(alone)
{
    wait_several_times();
}

static void *wait_for_ever(void *never)
{
    wait_for(never);
    return never;
}

CHILD(beside_a_sleeper)
{
    sem_t never;
    sem_init(&never, 0, 0);
    start(wait_for_ever, &never);
    wait_several_times();
}
