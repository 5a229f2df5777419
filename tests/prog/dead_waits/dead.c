/* Waits for what nobody can ever do. SPDX-License-Identifier: Apache-2.0 */
#include "dead_waits.h"

#include <linux/futex.h>

void take_mutex(void)
{
    hold_mutex(&own);
}

static void take_rwlock(void)
{
    hold_rwlock(&own);
}

static void wait_for_mutex(void)
{
    use_mutex(&own);
}

static void *spin(void *unused)
{
    for (volatile int on = 1; on;)
        ;
    return unused;
}

static void wait_beside_spinner(void)
{
    start(spin, NULL);
    use_mutex(&own);
}

static void *sleep_long(void *unused)
{
    for (;;)
        rest(10000);
    return unused;
}

static void wait_beside_sleeper(void)
{
    start(sleep_long, NULL);
    use_mutex(&own);
}

static void wait_for_change(void)
{
    await_change(&own);
}

static void *nap(void *unused)
{
    rest(200);
    return unused;
}

static void wait_after_nap(void)
{
    start(nap, NULL);
    await_change(&own);
}

/* Only a look after a slice can tell; a slice by the wrong clock lasts for years, or for nothing.
 */
static void wait_after_nap_by_clock(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC), "pthread_condattr_setclock");
    check(pthread_cond_init(&own.changed, &attributes), "pthread_cond_init");
    wait_after_nap();
}

static void wait_to_read(void)
{
    use_to_read(&own);
}

static void wait_to_write(void)
{
    use_to_write(&own);
}

static void wait_for_post(void)
{
    await_post(&own);
}

void *wait_in_thread(void *sem)
{
    wait_for(sem);
    return NULL;
}

static void wait_both(void)
{
    start(wait_in_thread, &own.other);
    wait_for(&own.sem);
}

static void join_waiting(void)
{
    joined = start(wait_in_thread, &own.sem);
    join(NULL);
}

static void meet_nobody(void)
{
    meet(&own);
}

static void wait_for_word(void)
{
    await_word(&own, FUTEX_WAIT_PRIVATE);
}

static void wait_for_word_any(void)
{
    await_word(&own, FUTEX_WAIT);
}

static void wait_after_cancels(void)
{
    cancel_often();
    await_post(&own);
}

/* One waiter of two has been woken, and a third one has come: glibc counts it to another group. */
static void *be_woken_once(void *of)
{
    struct objects *objects = of;
    pthread_mutex_lock(&objects->mutex);
    objects->happened++;
    pthread_cond_wait(&objects->changed, &objects->mutex);
    objects->word++;
    pthread_mutex_unlock(&objects->mutex);
    return NULL;
}

static void see(const int *number, int value)
{
    for (int seen = 0; seen != value; rest(1)) {
        pthread_mutex_lock(&own.mutex);
        seen = *number;
        pthread_mutex_unlock(&own.mutex);
    }
}

static void wait_in_two_groups(void)
{
    start(be_woken_once, &own);
    start(be_woken_once, &own);
    see(&own.happened, 2);
    pthread_cond_signal(&own.changed);
    see(&own.word, 1);
    start(be_woken_once, &own);
    see(&own.happened, 3);
}

static void signal_twice(void)
{
    pthread_cond_signal(&own.changed);
    pthread_cond_signal(&own.changed);
}

static void signal_and_broadcast(void)
{
    pthread_cond_signal(&own.changed);
    pthread_cond_broadcast(&own.changed);
}

static void destroy(void)
{
    pthread_cond_destroy(&own.changed);
}

const struct wait_case DEAD[] = {
    {.name = "mutex", .dead = 1, .take = take_mutex, .child = wait_for_mutex},
    {.name = "mutex_spinner", .dead = 1, .take = take_mutex, .child = wait_beside_spinner},
    {.name = "mutex_sleeper", .dead = 1, .take = take_mutex, .child = wait_beside_sleeper},
    {.name = "cond", .dead = 1, .child = wait_for_change},
    {.name = "cond_after_nap", .dead = 1, .child = wait_after_nap},
    {.name = "cond_by_clock", .dead = 1, .child = wait_after_nap_by_clock},
    {.name = "rdlock", .dead = 1, .take = take_rwlock, .child = wait_to_read},
    {.name = "wrlock", .dead = 1, .take = take_rwlock, .child = wait_to_write},
    {.name = "sem", .dead = 1, .child = wait_for_post},
    {.name = "two_sems", .dead = 1, .child = wait_both},
    {.name = "join", .dead = 1, .child = join_waiting},
    {.name = "barrier", .dead = 1, .child = meet_nobody},
    {.name = "futex", .dead = 1, .child = wait_for_word},
    {.name = "futex_any", .dead = 1, .child = wait_for_word_any},
    {.name = "cond_signal", .dead = 1, .before = wait_in_two_groups, .child = signal_twice},
    {.name = "cond_broadcast",
     .dead = 1,
     .before = wait_in_two_groups,
     .child = signal_and_broadcast},
    {.name = "cond_destroy", .dead = 1, .before = wait_in_two_groups, .child = destroy},
    {.name = "sem_after_cancels", .dead = 1, .child = wait_after_cancels},
    {.name = NULL},
};
