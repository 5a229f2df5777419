/* Tests of loader/transport/atfork.c: forks while it is registered.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/support/prefetches.h"

#include <pthread.h>
#include <semaphore.h>

/* libc's own is linked in, so that this one stands in its place: it can be held up. */
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *);
static int held_up; /* 1: before it has registered; 2: behind it */
static sem_t is_within, may_go_on;

static void hold_up(int here)
{
    struct timespec until;
    if (held_up != here)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    sem_post(&is_within);
    sem_timedwait(&may_go_on, &until);
}

int pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    hold_up(1);
    int code = __register_atfork(prepare, parent, child, NULL);
    hold_up(2);
    return code;
}

static void *make_first(void *of)
{
    (void)of;
    return prefetch_make(1, 1000);
}

static void fork_while_held_up(int here)
{
    pthread_t thread;
    void *made;
    sem_init(&is_within, 0, 0);
    sem_init(&may_go_on, 0, 0);
    held_up = here;
    cr_assert_eq(pthread_create(&thread, NULL, make_first, NULL), 0);
    sem_wait(&is_within);
    pid_t child = fork();
    if (child == 0) {
        struct forkloader_prefetch *own;
        alarm(10);
        held_up = 0;
        WANT(forkloader_prefetch_new(&own, 1, 1000, NULL) == 0);
        WANT(ask(own, 0) == 0);
        let_begin();
        pid_t grandchild = fork();
        if (grandchild == 0)
            live_on_in_child(own, 0, 1);
        WANT(gives(own, 0));
        _exit(end_of(grandchild) != 0);
    }
    sem_post(&may_go_on);
    pthread_join(thread, &made);
    cr_expect_eq(end_of(child), 0);
    cr_expect(ask(made, 5) == 0 && gives(made, 5));
    forkloader_prefetch_free(made);
}

Test(prefetch, a_fork_before_the_first_has_registered)
{
    fork_while_held_up(1);
}

Test(prefetch, a_fork_when_the_first_has_just_registered)
{
    fork_while_held_up(2);
}
