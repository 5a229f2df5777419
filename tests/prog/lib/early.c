/* A constructor that starts a thread and forks before main. SPDX-License-Identifier: Apache-2.0 */
#include "../host.h"

__attribute__((constructor)) static void construct(void)
{
    /* Its own children inherit the preload: only the first process does it all. */
    if (getenv("EARLY_DONE"))
        return;
    setenv("EARLY_DONE", "1", 1);
    start_sleeper();
    pid_t child = fork();
    if (child == 0) {
        start_and_join();
        _exit(19);
    }
    say("before main: %d\n", end_of(child));
}
