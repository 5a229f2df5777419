/* system, popen, posix_spawn and a double fork, with threads alive.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <spawn.h>

extern char **environ;

static void double_fork(void)
{
    int ends[2];
    char byte = 0;
    must(pipe(ends) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        pid_t second = fork();
        if (second == 0) {
            start_and_join();
            must(write(ends[1], "x", 1) == 1, "write");
            _exit(0);
        }
        _exit(second > 0 ? 0 : 1);
    }
    say("first ended with %d\n", end_of(child));
    close(ends[1]);
    say("second wrote %d\n", (int)read(ends[0], &byte, 1));
    close(ends[0]);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        char line[64] = "";
        char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit 18", NULL};
        pid_t child;
        say("system %d\n", WEXITSTATUS(system("echo from system; exit 16")));
        FILE *pipe = popen("echo from popen; exit 17", "r");
        must(pipe && fgets(line, sizeof line, pipe), "popen");
        say("%s", line);
        say("pclose %d\n", WEXITSTATUS(pclose(pipe)));
        must(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) == 0, "posix_spawn");
        say("posix_spawn %d\n", end_of(child));
        must(posix_spawnp(&child, "sh", NULL, NULL, arguments, environ) == 0, "posix_spawnp");
        say("posix_spawnp %d\n", end_of(child));
        say("no such program %s\n",
            strerrorname_np(posix_spawn(&child, "/nonexistent", NULL, NULL, arguments, environ)));
        double_fork();
        start_sleeper();
    }
    return 0;
}
