/*
 * C11's waits in a child that lost a thread: they end as they do bare, with C11's answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <threads.h>

static mtx_t mutex;
static cnd_t changed;
static int is_changed;

static void set_up(void)
{
    must(mtx_init(&mutex, mtx_plain) == thrd_success && cnd_init(&changed) == thrd_success, "C11");
}

static int change_later(void *seconds)
{
    rest(LOOKS);
    mtx_lock(&mutex);
    is_changed = 1;
    cnd_broadcast(&changed);
    mtx_unlock(&mutex);
    return seconds ? 7 : 0;
}

static int keep_for_a_while(void *taken)
{
    mtx_lock(&mutex);
    sem_post(taken);
    rest(LOOKS);
    mtx_unlock(&mutex);
    return 0;
}

CHILD(condition)
{
    thrd_t thread;
    set_up();
    thrd_create(&thread, change_later, NULL);
    mtx_lock(&mutex);
    while (!is_changed)
        must(cnd_wait(&changed, &mutex) == thrd_success, "cnd_wait");
    must(mtx_unlock(&mutex) == thrd_success, "mtx_unlock");
}

CHILD(lock)
{
    sem_t taken;
    thrd_t thread;
    set_up();
    sem_init(&taken, 0, 0);
    thrd_create(&thread, keep_for_a_while, &taken);
    wait_for(&taken);
    must(mtx_lock(&mutex) == thrd_success && mtx_trylock(&mutex) == thrd_busy, "mtx_lock");
    must(thrd_join(thread, NULL) == thrd_success, "thrd_join");
}

CHILD(result_of_a_thread)
{
    thrd_t thread;
    int result = 0;
    set_up();
    thrd_create(&thread, change_later, &result);
    must(thrd_join(thread, &result) == thrd_success && result == 7, "thrd_join");
}

CHILD(recursive)
{
    must(mtx_init(&mutex, mtx_plain | mtx_recursive) == thrd_success, "mtx_init");
    must(mtx_lock(&mutex) == thrd_success && mtx_lock(&mutex) == thrd_success, "mtx_lock");
}

CHILD(condition_with_a_limit)
{
    struct timespec soon = milliseconds_from_now(CLOCK_REALTIME, LOOKS / 8), late;
    thrd_t thread;
    set_up();
    mtx_lock(&mutex);
    must(cnd_timedwait(&changed, &mutex, &soon) == thrd_timedout, "cnd_timedwait");
    thrd_create(&thread, change_later, NULL);
    late = milliseconds_from_now(CLOCK_REALTIME, LIMIT);
    while (!is_changed)
        must(cnd_timedwait(&changed, &mutex, &late) == thrd_success, "cnd_timedwait");
}

CHILD(lock_with_a_limit)
{
    sem_t taken;
    thrd_t thread;
    struct timespec time = milliseconds_from_now(CLOCK_REALTIME, LOOKS / 8);
    must(mtx_init(&mutex, mtx_timed) == thrd_success, "mtx_init");
    sem_init(&taken, 0, 0);
    thrd_create(&thread, keep_for_a_while, &taken);
    wait_for(&taken);
    must(mtx_timedlock(&mutex, &time) == thrd_timedout, "mtx_timedlock");
    time = milliseconds_from_now(CLOCK_REALTIME, LIMIT);
    must(mtx_timedlock(&mutex, &time) == thrd_success, "mtx_timedlock");
}

/* What nobody ends. */

static int keep(void *taken)
{
    mtx_lock(&mutex);
    sem_post(taken);
    for (;;)
        rest(LIMIT);
    return 0;
}

static void wait_for_lost_owner(void)
{
    mtx_lock(&mutex);
}

SCENARIO(hang_for_a_lost_owner)
{
    sem_t taken;
    thrd_t thread;
    set_up();
    sem_init(&taken, 0, 0);
    thrd_create(&thread, keep, &taken);
    wait_for(&taken);
    return run_in_child(wait_for_lost_owner);
}

CHILD(hang_for_a_condition)
{
    set_up();
    mtx_lock(&mutex);
    while (!is_changed)
        cnd_wait(&changed, &mutex);
}

static int wait_for_ever(void *unused)
{
    mtx_lock(&mutex);
    while (!is_changed)
        cnd_wait(&changed, &mutex);
    return unused != NULL;
}

CHILD(hang_for_a_thread)
{
    thrd_t thread;
    set_up();
    thrd_create(&thread, wait_for_ever, NULL);
    thrd_join(thread, NULL);
}

CHILD(hang_of_one_that_tries_again)
{
    set_up();
    mtx_lock(&mutex);
    while (!is_changed) {
        struct timespec soon = milliseconds_from_now(CLOCK_REALTIME, LOOKS / 8);
        cnd_timedwait(&changed, &mutex, &soon);
    }
}
