/* A library that is loaded in a forked child, and waits there. SPDX-License-Identifier: Apache-2.0 */
#include <semaphore.h>

static sem_t never;

int late_wait(void);
int late_wait(void)
{
    return sem_wait(&never) + 1; /* no tail call: the caller is to be seen */
}
