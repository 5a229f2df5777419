/* One fork between two marks that a trace of system calls can be cut at. "thread": with another
   thread alive. "joined": with one that has ended. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

int main(int count, char **arguments)
{
    const char *how = count > 1 ? arguments[1] : "";
    if (strcmp(how, "thread") == 0)
        start_sleeper();
    if (strcmp(how, "joined") == 0) {
        start_and_join();
        wait_for_tasks(1);
    }
    rest(50); /* the sleeper sleeps */
    must(write(STDOUT_FILENO, "@before\n", 8) == 8, "write");
    pid_t child = fork();
    if (child == 0) {
        must(write(STDOUT_FILENO, "@child\n", 7) == 7, "write");
        _exit(0);
    }
    must(write(STDOUT_FILENO, "@after\n", 7) == 7, "write");
    return end_of(child);
}
