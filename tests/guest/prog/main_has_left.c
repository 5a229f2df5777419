/*
 * The child's main thread has left by pthread_exit; others go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static sem_t semaphore;

static void *wait_and_end(void *unused)
{
    wait_for(&semaphore);
    _exit(0);
    return unused;
}

static void *post_later(void *unused)
{
    rest(LOOKS);
    sem_post(&semaphore);
    return unused;
}

static void *post_at_once(void *unused)
{
    sem_post(&semaphore);
    return unused;
}

CHILD(posted_by_another_thread)
{
    sem_init(&semaphore, 0, 0);
    start(post_later, NULL);
    start(wait_and_end, NULL);
    pthread_exit(NULL);
}

static void post(int number)
{
    (void)number;
    sem_post(&semaphore);
}

CHILD(posted_by_a_handler)
{
    sem_init(&semaphore, 0, 0);
    handle(SIGALRM, post, SA_RESTART);
    start(wait_and_end, NULL);
    alarm_in(LOOKS * 1000);
    pthread_exit(NULL);
}

CHILD(posted_before)
{
    sem_init(&semaphore, 0, 0);
    pthread_join(start(post_at_once, NULL), NULL);
    start(wait_and_end, NULL);
    pthread_exit(NULL);
}

/* Nobody posts: the one that is left can never go on. */
CHILD(hang_of_the_last_one)
{
    sem_init(&semaphore, 0, 0);
    start(wait_and_end, NULL);
    pthread_exit(NULL);
}

/* Nor here: each waits beside the other. */
CHILD(hang_of_the_last_two)
{
    sem_init(&semaphore, 0, 0);
    start(wait_and_end, NULL);
    start(wait_and_end, NULL);
    pthread_exit(NULL);
}
