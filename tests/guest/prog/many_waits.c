/*
 * A child with one thread waits again and again, each time for a moment, for its parent.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

enum { WAITS = 200 };

static sem_t *semaphores; /* shared: the child's, the parent's */

static void take_turns(void)
{
    for (int i = 0; i < WAITS; i++) {
        wait_for(&semaphores[0]);
        sem_post(&semaphores[1]);
    }
}

SCENARIO(shared_semaphore)
{
    semaphores = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(semaphores != MAP_FAILED, "mmap");
    sem_init(&semaphores[0], 1, 0);
    sem_init(&semaphores[1], 1, 0);
    start_sleeper();
    pid_t child = start_child(take_turns);
    for (int i = 0; i < WAITS; i++) {
        rest(1);
        sem_post(&semaphores[0]);
        wait_for(&semaphores[1]);
    }
    return tell_end(end_in_time(child));
}

static sem_t ready;

static void *post_often(void *unused)
{
    for (int i = 0; i < WAITS; i++) {
        rest(1);
        sem_post(&ready);
    }
    return unused;
}

CHILD(own_thread)
{
    sem_init(&ready, 0, 0);
    start(post_often, NULL);
    for (int i = 0; i < WAITS; i++)
        wait_for(&ready);
}
