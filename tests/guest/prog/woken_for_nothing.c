/*
 * Waits for a condition that take any return for a signal, as those of libjxl's pool do: their end
 * without one is allowed, and libc's never end so while somebody else is awake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <threads.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int returns, is_waiting;

static void *wait_three_times(void *unused)
{
    pthread_mutex_lock(&mutex);
    is_waiting = 1;
    for (returns = 0; returns < 3; returns++)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static int returned(void)
{
    pthread_mutex_lock(&mutex);
    int found = returns;
    pthread_mutex_unlock(&mutex);
    return found;
}

static void wait_until_it_waits(void)
{
    for (int waits = 0; !waits;) {
        pthread_mutex_lock(&mutex);
        waits = is_waiting;
        pthread_mutex_unlock(&mutex);
    }
}

/* The signals come while another thread works; each ends one wait. */
static void signal_three_times(void)
{
    pthread_t waiter = start(wait_three_times, NULL);
    wait_until_it_waits();
    for (int i = 0; i < 3; i++) {
        rest(400);
        say("%d returns\n", returned());
        pthread_cond_signal(&condition);
        while (returned() == i)
            ;
    }
    pthread_join(waiter, NULL);
}

CHILD(beside_work)
{
    signal_three_times();
}

/* The looking thread is the main one. */
static void *signal_main(void *unused)
{
    for (int i = 0; i < 3; i++) {
        rest(400);
        say("%d returns\n", returned());
        pthread_cond_signal(&condition);
        while (returned() == i)
            ;
    }
    return unused;
}

CHILD(in_the_main_thread)
{
    pthread_t signaller = start(signal_main, NULL);
    wait_three_times(NULL);
    pthread_join(signaller, NULL);
}

/* A signal to a thread whose slice is over, and that waits for the mutex, is one all the same. */
static int is_changed;
static sem_t is_seen;

static void signal_late(void)
{
    pthread_cond_signal(&condition);
}

static void broadcast_late(void)
{
    cnd_broadcast((cnd_t *)&condition);
}

static void change_slowly(void (*tell)(void))
{
    struct timespec limit = milliseconds_from_now(CLOCK_REALTIME, 10000);
    pthread_mutex_lock(&mutex);
    is_changed = 1;
    rest(100);
    tell();
    pthread_mutex_unlock(&mutex);
    say("%s\n", sem_timedwait(&is_seen, &limit) == 0 ? "in time" : "late"); /* awake */
}

static void *change_and_signal(void *unused)
{
    change_slowly(signal_late);
    return unused;
}

static int change_and_broadcast(void *unused)
{
    (void)unused;
    change_slowly(broadcast_late);
    return 0;
}

CHILD(between_two_slices)
{
    sem_init(&is_seen, 0, 0);
    pthread_mutex_lock(&mutex);
    pthread_t other = start(change_and_signal, NULL);
    while (!is_changed)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    sem_post(&is_seen);
    pthread_join(other, NULL);
}

CHILD(between_two_slices_by_c11)
{
    thrd_t other;
    sem_init(&is_seen, 0, 0);
    pthread_mutex_lock(&mutex);
    must(thrd_create(&other, change_and_broadcast, NULL) == thrd_success, "thrd_create");
    while (!is_changed)
        must(cnd_wait((cnd_t *)&condition, (mtx_t *)&mutex) == thrd_success, "cnd_wait");
    pthread_mutex_unlock(&mutex);
    sem_post(&is_seen);
    thrd_join(other, NULL);
}
