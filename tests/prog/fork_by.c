/* Makes one child in the way that the first argument names, while the library that is the second
   has threads. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <dlfcn.h>
#include <pty.h>
#include <sched.h>
#include <spawn.h>

extern char **environ;

static char stack[65536] __attribute__((aligned(16)));

static int give_five(void *unused)
{
    return unused ? 6 : 5;
}

/* The daemon's starter ends with 0 and the daemon is nobody's child: it tells by a pipe. */
static int start_daemon(void (*start)(int))
{
    int ends[2];
    char byte = 0;
    must(pipe(ends) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        start(2);
        if (daemon(1, 1) != 0)
            _exit(1);
        _exit(write(ends[1], "5", 1) != 1);
    }
    close(ends[1]);
    must(end_of(child) == 0 && read(ends[0], &byte, 1) == 1 && byte == '5', "the daemon");
    say("child ended with 5\n");
    return 0;
}

static int spawned(void)
{
    char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit 5", NULL};
    pid_t child = -1;
    must(posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ) == 0, "posix_spawn");
    return end_of(child);
}

int main(int count, char **arguments)
{
    int master = -1;
    must(count == 3, "two arguments");
    const char *how = arguments[1];
    void *library = dlopen(arguments[2], RTLD_NOW);
    void (*start)(int) = library ? (void (*)(int))dlsym(library, "start_threads") : NULL;
    must(start != NULL, "the library");
    pid_t child = -2;
    if (strcmp(how, "daemon") == 0)
        return start_daemon(start);
    start(2);
    errno = 0;
    if (strcmp(how, "fork") == 0)
        child = fork();
    else if (strcmp(how, "_Fork") == 0)
        child = _Fork();
    else if (strcmp(how, "forkpty") == 0)
        child = forkpty(&master, NULL, NULL, NULL);
    else if (strcmp(how, "vfork") == 0)
        child = vfork();
    else if (strcmp(how, "clone") == 0)
        child = clone(give_five, stack + sizeof stack, SIGCHLD, NULL);
    if (child == 0)
        _exit(5);
    if (child == -1)
        say("-1 %s\n", errno == ENOTSUP ? "ENOTSUP" : strerrorname_np(errno));
    else if (child > 0)
        say("child ended with %d\n", end_of(child));
    else if (strcmp(how, "posix_spawn") == 0)
        say("child ended with %d\n", spawned());
    else if (strcmp(how, "system") == 0)
        say("child ended with %d\n", WEXITSTATUS(system("exit 5")));
    else if (strcmp(how, "popen") == 0)
        say("child ended with %d\n", WEXITSTATUS(pclose(popen("exit 5", "r"))));
    return 0;
}
