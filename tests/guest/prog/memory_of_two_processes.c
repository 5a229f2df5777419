/*
 * Two processes that run on the same memory (CLONE_VM), as threads did once: each ends the other's
 * waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <sched.h>

static sem_t semaphore;
static int word;
static char stack[65536] __attribute__((aligned(16)));

static pid_t start_sharer(int (*routine)(void *))
{
    sem_init(&semaphore, 0, 0);
    pid_t process = clone(routine, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
    must(process > 0, "clone");
    return process;
}

static int post(void *unused)
{
    (void)unused;
    rest(LOOKS);
    sem_post(&semaphore);
    futex(&semaphore, FUTEX_WAKE, 1); /* sem_post wakes by the memory alone where it is private */
    _exit(0);
}

static int wait_for_semaphore(void *unused)
{
    (void)unused;
    wait_for(&semaphore);
    _exit(0);
}

static int wait_for_word(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&word, __ATOMIC_SEQ_CST))
        futex(&word, FUTEX_WAIT_PRIVATE, 0);
    _exit(0);
}

static void *wait_in_thread(void *unused)
{
    wait_for(&semaphore);
    return unused;
}

CHILD(the_other_posts)
{
    pid_t other = start_sharer(post);
    wait_for(&semaphore);
    must(end_of(other) == 0, "the other");
}

CHILD(the_other_posts_for_a_thread)
{
    pid_t other = start_sharer(post);
    pthread_join(start(wait_in_thread, NULL), NULL);
    must(end_of(other) == 0, "the other");
}

CHILD(the_other_waits)
{
    pid_t other = start_sharer(wait_for_semaphore);
    rest(LOOKS);
    sem_post(&semaphore);
    must(end_of(other) == 0, "the other");
}

CHILD(the_other_waits_for_a_word)
{
    pid_t other = start_sharer(wait_for_word);
    rest(LOOKS);
    __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
    futex(&word, FUTEX_WAKE_PRIVATE, 1);
    must(end_of(other) == 0, "the other");
}
