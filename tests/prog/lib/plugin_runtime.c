/* A plug-in that registers as a runtime, or does not, and starts a thread that sleeps for ever.
   SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "forkpolicy.h"

#include <semaphore.h>
#include <unistd.h>

int plugin_prepared, plugin_told;
static sem_t never;

static int prepare(void *state)
{
    (void)state;
    plugin_prepared++;
    return 0;
}

static void tell(void *state)
{
    (void)state;
    plugin_told++;
}

static const char name[] = "plugin";
static struct forkpolicy_runtime runtime = {.abi = FORKPOLICY_ABI,
                                            .name = name,
                                            .anchor = &runtime,
                                            .prepare = prepare,
                                            .parent = tell,
                                            .child = tell};

int plugin_register(void)
{
    return forkpolicy_register(&runtime);
}

int plugin_unregister(void)
{
    return forkpolicy_unregister(&runtime);
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

int plugin_start(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, sleep_for_ever, NULL);
}

/* In a child: for the thread that is lost. */
void plugin_wait(void)
{
    sem_init(&never, 0, 0);
    sem_wait(&never);
}
