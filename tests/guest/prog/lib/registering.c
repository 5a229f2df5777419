/* A library with a runtime of its own that registers and unregisters. SPDX-License-Identifier:
 * Apache-2.0 */
#include "forkpolicy.h"

#include <unistd.h>

static const char name[] = "reloaded";
static struct forkpolicy_runtime runtime = {
    .abi = FORKPOLICY_ABI, .name = name, .anchor = &runtime};

int reloaded_register(void)
{
    return forkpolicy_register ? forkpolicy_register(&runtime) : 0;
}

int reloaded_unregister(void)
{
    return forkpolicy_unregister ? forkpolicy_unregister(&runtime) : 0;
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

int reloaded_start(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, sleep_for_ever, NULL);
}

char padding[1 << 20];
