/* See atfork.h. SPDX-License-Identifier: Apache-2.0 */
#include "loader/transport/atfork.h"

#include "forkpolicy.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

/* Held over a fork, so that nothing is added or removed during it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct fl_atfork *all;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int attached = -1;         /* the result of forkpolicy_attach; -1: not called yet */
static __thread bool is_prepared; /* the handlers may have been registered twice, see attach */

static int prepare(void *state)
{
    (void)state;
    if (is_prepared)
        return 0;
    is_prepared = true;
    pthread_mutex_lock(&mutex);
    for (struct fl_atfork *handlers = all; handlers; handlers = handlers->next)
        handlers->prepare(handlers);
    return 0;
}

static void parent(void *state)
{
    (void)state;
    if (!is_prepared)
        return;
    is_prepared = false;
    for (struct fl_atfork *handlers = all; handlers; handlers = handlers->next)
        handlers->parent(handlers);
    pthread_mutex_unlock(&mutex);
}

/* The mutex is made anew: unlocking belongs to the thread id that locked it, which the child's
   only thread does not have. */
static void child(void *state)
{
    (void)state;
    if (!is_prepared)
        return;
    is_prepared = false;
    for (struct fl_atfork *handlers = all; handlers; handlers = handlers->next)
        handlers->child(handlers);
    pthread_mutex_init(&mutex, NULL);
}

static const struct forkpolicy_runtime RUNTIME = {.abi = FORKPOLICY_ABI,
                                                  .name = "forkloader",
                                                  .anchor = &RUNTIME,
                                                  .prepare = prepare,
                                                  .parent = parent,
                                                  .child = child};

/* Not with the mutex, which nobody would let go in the child of a fork that comes now. The once is
   such a child's to do again, even where it was all but done. */
static void attach(void)
{
    attached = forkpolicy_attach(&RUNTIME);
    if (attached == EEXIST)
        attached = 0;
}

int fl_atfork_add(struct fl_atfork *handlers)
{
    pthread_once(&once, attach);
    if (attached != 0)
        return attached;
    pthread_mutex_lock(&mutex);
    handlers->previous = NULL;
    handlers->next = all;
    if (all)
        all->previous = handlers;
    all = handlers;
    pthread_mutex_unlock(&mutex);
    return 0;
}

void fl_atfork_remove(struct fl_atfork *handlers)
{
    pthread_mutex_lock(&mutex);
    if (handlers->previous)
        handlers->previous->next = handlers->next;
    else
        all = handlers->next;
    if (handlers->next)
        handlers->next->previous = handlers->previous;
    pthread_mutex_unlock(&mutex);
}

/* Threads of ours must not run code that is unloaded, nor read tables that are torn down. libc
   forgets atfork handlers of a library that goes; the shim has to be told. */
__attribute__((destructor)) static void finish(void)
{
    pthread_mutex_lock(&mutex);
    for (struct fl_atfork *handlers = all; handlers; handlers = handlers->next)
        handlers->end(handlers);
    pthread_mutex_unlock(&mutex);
    if (attached == 0 && forkpolicy_unregister)
        (void)forkpolicy_unregister(&RUNTIME);
}
