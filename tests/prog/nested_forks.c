/* Forks in forks, five deep, a thread of its own alive in each. SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

static int descend(int depth)
{
    start_sleeper();
    start_and_join();
    if (depth == 5)
        return 1;
    pid_t child = fork();
    if (child == 0)
        _exit(descend(depth + 1));
    int below = end_of(child);
    start_and_join();
    say("depth %d: %d threads, %d below\n", depth, task_count(), below);
    return below + 1;
}

int main(void)
{
    return descend(0);
}
