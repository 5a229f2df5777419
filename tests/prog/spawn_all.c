/* Runs a program twice: the first argument says whether by posix_spawn, system, vfork or fork.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <spawn.h>

extern char **environ;

static pid_t start(const char *how, char **arguments)
{
    pid_t child = -1;
    if (strcmp(how, "posix_spawn") == 0) {
        must(posix_spawn(&child, *arguments, NULL, NULL, arguments, environ) == 0, "posix_spawn");
        return child;
    }
    child = strcmp(how, "vfork") == 0 ? vfork() : fork();
    if (child == 0) {
        execv(*arguments, arguments);
        _exit(127);
    }
    return child;
}

/* The arguments as one command line; none of them holds a quote. */
static int run_by_system(char **arguments)
{
    char line[4096] = "";
    for (; *arguments; arguments++) {
        size_t length = strlen(line);
        snprintf(line + length, sizeof line - length, "'%s' ", *arguments);
    }
    return WEXITSTATUS(system(line));
}

int main(int count, char **arguments)
{
    must(count > 2, "arguments");
    for (int i = 0; i < 2; i++)
        say("ended with %d\n", strcmp(arguments[1], "system") == 0
                                   ? run_by_system(arguments + 2)
                                   : end_of(start(arguments[1], arguments + 2)));
    return 0;
}
