/* Tests of loader/transport/prefetch_threads.c and atfork.c: forks at any moment.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/prefetches.h"

#include <pthread.h>

static void fork_at_full_speed(size_t threads, int forks)
{
    struct forkloader_prefetch *prefetch = prefetch_make(threads, 1 << 20);
    uint64_t given = 0, asked = 0;
    for (int i = 0; i < forks; i++) {
        while (asked < given + 24)
            cr_assert_eq(ask(prefetch, asked++), 0);
        for (int taken = 0; taken < i % 5; taken++)
            cr_assert(gives(prefetch, given++));
        if (i == 0)
            let_begin();
        pid_t child = fork();
        if (child == 0)
            live_on_in_child(prefetch, given, asked);
        cr_assert_gt(child, 0);
        for (int taken = 0; taken < 12; taken++) /* meanwhile */
            cr_assert(gives(prefetch, given++));
        cr_assert_eq(end_of(child), 0, "fork %d", i);
    }
    while (given < asked)
        cr_assert(gives(prefetch, given++));
    cr_expect_eq(counts_of(prefetch).given, given);
    forkloader_prefetch_free(prefetch);
}

Test(prefetch, forks_at_full_speed_with_four_threads, .timeout = SECONDS)
{
    fork_at_full_speed(4, 300);
}

Test(prefetch, forks_at_full_speed_with_few_threads, .timeout = SECONDS)
{
    fork_at_full_speed(1, 70);
    fork_at_full_speed(0, 30);
}

/* A child of a child, whose own threads are at work. */
Test(prefetch, goes_through_forks_of_forks)
{
    struct forkloader_prefetch *prefetch = prefetch_make(2, 1 << 20);
    for (int i = 0; i < 10; i++) {
        for (uint64_t number = 0; number < 30; number++)
            cr_assert_eq(ask(prefetch, number), 0);
        if (i == 0)
            let_begin();
        pid_t child = fork();
        if (child == 0) {
            alarm(SECONDS);
            for (uint64_t number = 0; number < 10; number++)
                WANT(gives(prefetch, number));
            let_begin();
            pid_t grandchild = fork();
            if (grandchild == 0)
                live_on_in_child(prefetch, 10, 30);
            for (uint64_t number = 10; number < 30; number++)
                WANT(gives(prefetch, number));
            _exit(end_of(grandchild) != 0);
        }
        for (uint64_t number = 0; number < 30; number++)
            cr_assert(gives(prefetch, number));
        cr_assert_eq(end_of(child), 0);
    }
    forkloader_prefetch_free(prefetch);
}

/* A thread that asks and is given, on and on, while others fork. */
struct busy {
    struct forkloader_prefetch *prefetch;
    atomic_bool ends;
    atomic_int wrong;
};

static void *be_busy(void *of)
{
    struct busy *busy = of;
    for (uint64_t number = 0; !atomic_load(&busy->ends); number++)
        busy->wrong += ask(busy->prefetch, number) != 0 || !gives(busy->prefetch, number);
    return NULL;
}

static void *fork_on(void *of)
{
    (void)of;
    for (int i = 0; i < 80; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        (void)end_of(child);
    }
    return NULL;
}

Test(prefetch, others_go_on_asking_over_a_fork)
{
    for (size_t threads = 0; threads < 2; threads++) {
        struct busy busy = {.prefetch = prefetch_make(threads, 1 << 20)};
        pthread_t thread, forkers[2];
        cr_assert_eq(pthread_create(&thread, NULL, be_busy, &busy), 0);
        for (int i = 0; i < 2; i++)
            cr_assert_eq(pthread_create(&forkers[i], NULL, fork_on, NULL), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(forkers[i], NULL);
        atomic_store(&busy.ends, true);
        pthread_join(thread, NULL);
        cr_expect_eq(busy.wrong, 0);
        forkloader_prefetch_free(busy.prefetch);
    }
}

static void *ask_to_the_end(void *of)
{
    while (next_code(of) == 0)
        ;
    return NULL;
}

/* How many are done over a fork, of 40 that were asked for: by its threads, or by who asks. */
static uint64_t done_over_a_fork(size_t threads, const uint64_t *rows, size_t count)
{
    struct forkloader_prefetch *prefetch = prefetch_make(threads, UINT64_MAX);
    pthread_t asker;
    for (int i = 0; i < 40; i++)
        cr_assert_eq(forkloader_prefetch_submit(prefetch, table, rows, count, NULL, 0, NULL), 0);
    cr_assert_eq(pthread_create(&asker, NULL, ask_to_the_end, prefetch), 0);
    wait_done(prefetch, 2);
    uint64_t before = counts_of(prefetch).done;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    uint64_t over = counts_of(prefetch).done - before;
    cr_assert_eq(end_of(child), 0);
    forkloader_prefetch_cancel(prefetch);
    pthread_join(asker, NULL);
    forkloader_prefetch_free(prefetch);
    return over;
}

Test(prefetch, a_fork_waits_for_what_runs_and_no_more)
{
    const uint64_t *rows = many_rows(300000);
    for (size_t threads = 0; threads < 3; threads++) {
        uint64_t least = UINT64_MAX; /* others use the machine, too */
        for (int round = 0; round < 10 && least > 6; round++) {
            uint64_t over = done_over_a_fork(threads, rows, 300000);
            least = over < least ? over : least;
        }
        cr_expect_leq(least, 6, "%lu with %zu threads", (unsigned long)least, threads);
    }
}

Test(prefetch, threads_go_on_by_themselves_after_a_fork)
{
    const uint64_t *rows = many_rows(100000);
    struct forkloader_prefetch *prefetch = prefetch_make(2, UINT64_MAX);
    for (uint64_t round = 0; round < 10; round++) {
        for (int i = 0; i < 20; i++)
            cr_assert_eq(forkloader_prefetch_submit(prefetch, table, rows, 100000, NULL, 0, NULL),
                         0);
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        wait_done(prefetch, (round + 1) * 20);
        cr_assert_eq(end_of(child), 0);
    }
    forkloader_prefetch_free(prefetch);
}

/* Prefetches come and go while others fork. */
static void *make_and_free(void *of)
{
    while (!atomic_load((atomic_bool *)of)) {
        struct forkloader_prefetch *prefetch;
        if (forkloader_prefetch_new(&prefetch, 1, 1000, NULL) == 0 && ask(prefetch, 1) == 0)
            (void)gives(prefetch, 1);
        forkloader_prefetch_free(prefetch);
    }
    return NULL;
}

Test(prefetch, is_made_and_freed_while_others_fork)
{
    atomic_bool ends = false;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, make_and_free, &ends), 0);
    for (int i = 0; i < 60; i++) {
        pid_t child = fork();
        if (child == 0) {
            struct forkloader_prefetch *own;
            alarm(SECONDS);
            if (IS_SANITIZED)
                _exit(0);
            WANT(forkloader_prefetch_new(&own, 1, 1000, NULL) == 0);
            WANT(ask(own, 2) == 0 && gives(own, 2));
            forkloader_prefetch_free(own);
            _exit(0);
        }
        cr_assert_eq(end_of(child), 0);
    }
    atomic_store(&ends, true);
    pthread_join(thread, NULL);
}
