/* Fine cases: time limits, cancellations, and a main thread that has left. SPDX-License-Identifier:
 * Apache-2.0 */
#include "dead_waits.h"

static void time_out_often(void)
{
    for (int i = 0; i < 2; i++) {
        struct timespec end = from_now(CLOCK_REALTIME, SHORT);
        must(sem_timedwait(&own.sem, &end) < 0 && errno == ETIMEDOUT, "sem_timedwait");
        end = from_now(CLOCK_MONOTONIC, SHORT);
        must(sem_clockwait(&own.sem, CLOCK_MONOTONIC, &end) < 0, "sem_clockwait");
        must(errno == ETIMEDOUT, "the time-out");
        end = from_now(CLOCK_REALTIME, SHORT);
        hold_mutex(&own);
        must(pthread_cond_timedwait(&own.changed, &own.mutex, &end) == ETIMEDOUT, "cond");
        end = from_now(CLOCK_MONOTONIC, SHORT);
        must(pthread_cond_clockwait(&own.changed, &own.mutex, CLOCK_MONOTONIC, &end) == ETIMEDOUT,
             "pthread_cond_clockwait");
        release_mutex(&own);
        end = from_now(CLOCK_REALTIME, SHORT);
        must(pthread_mutex_timedlock(&lost_mutex, &end) == ETIMEDOUT, "pthread_mutex_timedlock");
        end = from_now(CLOCK_REALTIME, SHORT);
        must(pthread_rwlock_timedwrlock(&lost_rwlock, &end) == ETIMEDOUT, "rwlock");
    }
}

static volatile int cleaned;

static void clean_up(void *unused)
{
    (void)unused;
    cleaned++;
}

static void clean_up_locked(void *unused)
{
    clean_up(unused);
    release_mutex(&own); /* of the checking kind: the wait has taken it again */
}

static void *wait_cleanly(void *unused)
{
    pthread_cleanup_push(clean_up, NULL);
    sem_post(&begun);
    wait_for(&own.sem);
    pthread_cleanup_pop(0);
    return unused;
}

static void *wait_for_change_cleanly(void *unused)
{
    hold_mutex(&own);
    pthread_cleanup_push(clean_up_locked, NULL);
    sem_post(&begun);
    for (;;)
        pthread_cond_wait(&own.changed, &own.mutex);
    pthread_cleanup_pop(0);
    return unused;
}

static void *join_cleanly(void *unused)
{
    pthread_cleanup_push(clean_up, NULL);
    sem_post(&begun);
    pthread_join(joined, NULL);
    pthread_cleanup_pop(0);
    return unused;
}

static void cancel(void *(*routine)(void *))
{
    void *result = NULL;
    pthread_t thread = start(routine, NULL);
    wait_for(&begun);
    rest(LATER);
    check(pthread_cancel(thread), "pthread_cancel");
    check(pthread_join(thread, &result), "pthread_join");
    must(result == PTHREAD_CANCELED && cleaned == 1, "the clean-up");
}

static void cancel_sem(void)
{
    cancel(wait_cleanly);
}

static void cancel_cond(void)
{
    init_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    cancel(wait_for_change_cleanly);
    use_mutex(&own);
}

static void cancel_join(void)
{
    joined = start(wait_in_thread, &own.other);
    cancel(join_cleanly);
    sem_post(&own.other);
    join(NULL);
}

static void *cancel_later(void *thread)
{
    rest(LATER);
    check(pthread_cancel(*(pthread_t *)thread), "pthread_cancel");
    return NULL;
}

/* Who waits for the cancelled thread waits for ever otherwise, too. */
static void join_cancelled(void)
{
    void *result = NULL;
    joined = start(wait_cleanly, NULL);
    pthread_t cancelling = start(cancel_later, &joined);
    check(pthread_join(joined, &result), "pthread_join");
    must(result == PTHREAD_CANCELED && cleaned == 1, "the clean-up");
    check(pthread_join(cancelling, NULL), "pthread_join");
}

/* Cancelled about when a wait has lasted so long that a watch would look at it. */
void cancel_often(void)
{
    enum { AT_ONCE = 10, LOOK = 19800 }; /* microseconds */
    pthread_t threads[AT_ONCE];
    void *result;
    for (int i = 1; i <= 60; i++) {
        for (int n = 0; n < AT_ONCE; n++)
            threads[n] = start(wait_cleanly, NULL);
        usleep((useconds_t)(LOOK + i * 7919 % 600));
        for (int n = 0; n < AT_ONCE; n++)
            check(pthread_cancel(threads[n]), "pthread_cancel");
        for (int n = 0; n < AT_ONCE; n++) {
            check(pthread_join(threads[n], &result), "pthread_join");
            must(result == PTHREAD_CANCELED, "the cancellation");
        }
    }
}

static void *await_own_change(void *unused)
{
    await_change(&own);
    return unused;
}

/* Those who have been woken may still be on their way out, and are waited for. */
static void destroy_often(void)
{
    enum { WAITERS = 4 };
    for (int i = 0; i < 500; i++) {
        pthread_t threads[WAITERS];
        pthread_cond_init(&own.changed, NULL);
        own.happened = 0;
        for (int n = 0; n < WAITERS; n++)
            threads[n] = start(await_own_change, NULL);
        pthread_cond_signal(&own.changed);
        pthread_cond_signal(&own.changed);
        change(&own);
        pthread_cond_destroy(&own.changed);
        for (int n = 0; n < WAITERS; n++)
            check(pthread_join(threads[n], NULL), "pthread_join");
    }
}

static void *outlive_main(void *unused)
{
    pthread_detach(start(rest_and_post, &own.sem));
    await_post(&own);
    _exit(0);
    return unused;
}

static void leave_by_main(void)
{
    start(outlive_main, NULL);
    pthread_exit(NULL);
}

const struct wait_case ENDS[] = {
    {.name = "timed_sem", .child = in_timed_sem},
    {.name = "timed_cond", .child = in_timed_cond},
    {.name = "timed_mutex", .child = in_timed_mutex},
    {.name = "timed_rwlock", .child = in_timed_rwlock},
    {.name = "timed_join", .child = in_timed_join},
    {.name = "timed_futex", .child = in_timed_futex},
    {.name = "timed_bitset", .child = in_timed_bitset},
    {.name = "timed_loop", .child = time_out_often},
    {.name = "cancel_sem", .child = cancel_sem},
    {.name = "cancel_cond", .child = cancel_cond},
    {.name = "cancel_join", .child = cancel_join},
    {.name = "cancel_often", .child = cancel_often},
    {.name = "join_cancelled", .child = join_cancelled},
    {.name = "cond_destroyed", .child = destroy_often},
    {.name = "main_left", .child = leave_by_main},
    {.name = NULL},
};
