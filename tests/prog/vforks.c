/* vfork, then exec or _exit, without and with threads. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

static int vfork_exec(const char *program)
{
    char *const arguments[] = {(char *)program, (char *)"-c", (char *)"exit 13", NULL};
    pid_t child = vfork();
    if (child == 0) {
        execv(program, arguments);
        _exit(127);
    }
    return end_of(child);
}

static int vfork_exit(volatile int *seen)
{
    pid_t child = vfork();
    if (child == 0) {
        *seen = 1; /* on the parent's memory */
        _exit(14);
    }
    return end_of(child);
}

static void *all(void *unused)
{
    volatile int seen = 0;
    for (int i = 0; i < 3; i++) {
        seen = 0;
        say("exec %d\n", vfork_exec("/bin/sh"));
        say("no such program %d\n", vfork_exec("/nonexistent"));
        say("exit %d", vfork_exit(&seen));
        say(" seen %d\n", seen);
    }
    errno = ERANGE;
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    int error = errno;
    end_of(child);
    say("errno %d\n", error);
    return unused;
}

int main(void)
{
    pthread_t thread;
    all(NULL);
    start_sleeper();
    all(NULL);
    must(pthread_create(&thread, NULL, all, NULL) == 0, "pthread_create");
    pthread_join(thread, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(task_count());
    say("fork after it: %d\n", end_of(child));
    return 0;
}
