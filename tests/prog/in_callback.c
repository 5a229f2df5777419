/* A thread is in a callback of dl_iterate_phdr, with the loader's lock, until the main thread has
   forked. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <link.h>
#include <semaphore.h>

static sem_t is_in, may_leave;

static int stay(struct dl_phdr_info *information, size_t size, void *context)
{
    (void)information, (void)size, (void)context;
    sem_post(&is_in);
    sem_wait(&may_leave);
    return 1;
}

static void *iterate(void *unused)
{
    say("left: %d\n", dl_iterate_phdr(stay, unused));
    return NULL;
}

static void fork_once(const char *when)
{
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    say("%s: %d\n", when, end_of(child));
}

/* The callback itself may fork, too. */
static int fork_inside(struct dl_phdr_info *information, size_t size, void *context)
{
    (void)information, (void)size, (void)context;
    fork_once("inside");
    return 2;
}

int main(void)
{
    pthread_t thread;
    start_sleeper();
    must(!pthread_create(&thread, NULL, iterate, NULL), "pthread_create");
    while (sem_wait(&is_in))
        ;
    fork_once("beside");
    sem_post(&may_leave);
    pthread_join(thread, NULL);
    fork_once("after");
    say("returned: %d\n", dl_iterate_phdr(fork_inside, NULL));
    return 0;
}
