/* Forks with threads alive, asking nothing of /proc itself. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

int main(void)
{
    say("proc %d\n", access("/proc/self/task", F_OK) == 0);
    start_sleeper();
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            start_and_join();
            start_sleeper();
            pid_t second = fork();
            if (second == 0)
                _exit(8);
            _exit(end_of(second));
        }
        say("child ended with %d\n", end_of(child));
    }
    return 0;
}
