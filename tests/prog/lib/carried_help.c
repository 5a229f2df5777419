/* For `carried`, preloaded behind the shim: a fork handler and a thread that are not of the pool's
 * library, and threads that have yet to begin. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef void *routine(void *argument);

extern _Atomic int threads_are_held;
_Atomic int threads_are_held;

static void (*before_forks)(void);

struct start {
    routine *routine;
    void *argument;
};

static void *begin(void *context)
{
    struct start start = *(struct start *)context;
    free(context);
    while (threads_are_held)
        sched_yield();
    return start.routine(start.argument);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, routine *function,
                   void *argument)
{
    int (*create)(pthread_t *, const pthread_attr_t *, routine *, void *);
    struct start *start = malloc(sizeof *start);
    if (!start)
        abort();
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    *start = (struct start){function, argument};
    return create(thread, attributes, begin, start);
}

static void call(void)
{
    before_forks();
}

void call_before_forks(void (*function)(void));

void call_before_forks(void (*function)(void))
{
    before_forks = function;
    if (pthread_atfork(call, NULL, NULL) != 0)
        abort();
}

static routine *of_other_thread;

static void *run_other_thread(void *unused)
{
    return of_other_thread(unused);
}

void start_other_thread(routine *function);

void start_other_thread(routine *function)
{
    pthread_t thread;
    of_other_thread = function;
    if (pthread_create(&thread, NULL, run_other_thread, NULL) != 0)
        abort();
}
