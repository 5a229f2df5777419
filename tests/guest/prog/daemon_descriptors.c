/*
 * A daemon closes 0, 1 and 2; the file that it writes then gets the number 2. GUEST_FILE names
 * that file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

static int database(void)
{
    const char *path = getenv("GUEST_FILE");
    must(path != NULL, "GUEST_FILE");
    close(0);
    close(1);
    close(2);
    if (open("/dev/null", O_RDONLY) != 0 || open("/dev/null", O_WRONLY) != 1)
        return 3;
    return open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) == 2 && write(2, "DATA\n", 5) == 5 ? 0 : 4;
}

static void end(void)
{
}

SCENARIO(forks)
{
    int status = database();
    start_sleeper();
    return status ? status : run_in_child(end);
}

static void wait_in_vain(void)
{
    static sem_t never;
    wait_for(&never);
}

SCENARIO(hangs)
{
    int status = database();
    start_sleeper();
    return status ? status : run_in_child(wait_in_vain);
}
