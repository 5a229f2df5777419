/*
 * OpenMP: a thread that no hook saw starting has a team; the main thread has none, and makes its
 * first one in the child. Built with -fopenmp.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <dlfcn.h>

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static sem_t done;

static int count_threads(int wanted)
{
    int threads = 0;
#pragma omp parallel num_threads(wanted) reduction(+ : threads)
    threads += 1;
    return threads;
}

static void *have_a_team(void *unused)
{
    count_threads(4);
    sem_post(&done);
    sleep_for_ever(unused);
    return NULL;
}

static void make_the_first_team(void)
{
    must(count_threads(3) == 3, "three threads");
}

static int fork_beside(create *pthread_create_of)
{
    pthread_t thread;
    sem_init(&done, 0, 0);
    must(pthread_create_of(&thread, NULL, have_a_team, NULL) == 0, "pthread_create");
    wait_for(&done);
    pid_t child = fork();
    if (child < 0 && errno == ENOTSUP)
        return say("the fork is refused\n"), 0;
    if (child == 0) {
        make_the_first_team();
        _exit(0);
    }
    int status = tell_end(end_in_time(child));
    _exit(status);
}

SCENARIO(thread_by_a_pointer_of_dlsym)
{
    create *unseen;
    *(void **)&unseen = dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "pthread_create");
    return fork_beside(unseen);
}

SCENARIO(thread_that_is_seen)
{
    return fork_beside(pthread_create);
}
