/* Fine cases: locks whose owner lives. SPDX-License-Identifier: Apache-2.0 */
#include "dead_waits.h"

static void *wait_and_use(void *unused)
{
    use_mutex(&own);
    own.happened = 1;
    return unused;
}

/* Its owner is a thread of the parent by number, and lives on here by another one. */
static void release_later(void)
{
    pthread_t waiting = start(wait_and_use, NULL);
    rest(LATER);
    must(!own.happened, "the wait");
    release_mutex(&own);
    check(pthread_join(waiting, NULL), "pthread_join");
    must(own.happened, "the end of the wait");
}

/* The same, and who lives on sleeps itself: for a third thread, which works. */
static void release_after_post(void)
{
    pthread_t waiting = start(wait_and_use, NULL), posting = start(rest_and_post, &own.sem);
    await_post(&own);
    release_mutex(&own);
    check(pthread_join(waiting, NULL), "pthread_join");
    check(pthread_join(posting, NULL), "pthread_join");
}

void init_mutex(int type, int robust, int protocol)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutexattr_setrobust(&attributes, robust);
    check(pthread_mutexattr_setprotocol(&attributes, protocol), "pthread_mutexattr_setprotocol");
    check(pthread_mutex_init(&own.mutex, &attributes), "pthread_mutex_init");
}

static void *hold_a_while(void *unused)
{
    hold_mutex(&own);
    sem_post(&begun);
    rest(LATER);
    own.happened = 1;
    release_mutex(&own);
    return unused;
}

static void use_after_another(void)
{
    joined = start(hold_a_while, NULL);
    wait_for(&begun);
    hold_mutex(&own);
    must(own.happened, "the wait");
    release_mutex(&own);
    join(NULL);
}

/* A lost thread holds it; the child makes it anew, as atfork handlers do. */
static void made_anew(void)
{
    check(pthread_mutex_init(&own.mutex, NULL), "pthread_mutex_init");
    use_after_another();
}

static void relock_recursive(void)
{
    init_mutex(PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    for (int i = 0; i < 3; i++)
        hold_mutex(&own);
    for (int i = 0; i < 3; i++)
        release_mutex(&own);
    must(pthread_mutex_unlock(&own.mutex) == EPERM, "as often as it was locked");
    use_after_another();
}

static void relock_checked(void)
{
    init_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
    hold_mutex(&own);
    must(pthread_mutex_lock(&own.mutex) == EDEADLK, "EDEADLK");
    release_mutex(&own);
    use_after_another();
}

static void use_robust(void)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    use_after_another();
}

static void use_inheriting(void)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
    use_after_another();
}

static void *hold_and_end(void *unused)
{
    hold_mutex(&own);
    sem_post(&begun);
    rest(LATER);
    return unused;
}

/* The end of the owner ends the wait. */
static void inherit_robust(void)
{
    init_mutex(PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
    joined = start(hold_and_end, NULL);
    wait_for(&begun);
    must(pthread_mutex_lock(&own.mutex) == EOWNERDEAD, "EOWNERDEAD");
    check(pthread_mutex_consistent(&own.mutex), "pthread_mutex_consistent");
    release_mutex(&own);
    join(NULL);
}

static void *take_turns(void *end)
{
    long turns = 0;
    struct timespec now;
    do {
        hold_mutex(&own);
        must(own.word++ == 0, "one at a time");
        rest(turns++ % 4);
        own.word--;
        release_mutex(&own);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < ((struct timespec *)end)->tv_sec);
    return NULL;
}

/* Whoever waits finds another owner at each look. */
static void taken_over(void)
{
    struct timespec end = from_now(CLOCK_MONOTONIC, LATER + 1000);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        threads[i] = start(take_turns, &end);
    for (int i = 0; i < 6; i++)
        check(pthread_join(threads[i], NULL), "pthread_join");
}

const struct wait_case LOCKS[] = {
    {.name = "held_by_forker", .before = take_mutex, .child = release_later},
    {"held_by_thread", .before = take_mutex, .child = release_later, .from_thread = 1},
    {.name = "held_asleep", .before = take_mutex, .child = release_after_post},
    {.name = "made_anew", .take = take_mutex, .child = made_anew},
    {.name = "recursive", .child = relock_recursive},
    {.name = "checked", .child = relock_checked},
    {.name = "robust", .child = use_robust},
    {.name = "robust_end", .child = inherit_robust},
    {.name = "inheriting", .child = use_inheriting},
    {.name = "taken_over", .child = taken_over},
    {.name = NULL},
};
