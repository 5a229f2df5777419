/* Atfork handlers that fork, start threads, and change errno. SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

static int depth, parents, children;

static void before(void)
{
    if (depth++ == 0) {
        pid_t child = _Fork();
        if (child == 0)
            _exit(3);
        say("fork before the fork: %d\n", end_of(child));
    }
    depth--;
}

static void in_parent(void)
{
    parents++;
    start_and_join();
    errno = EDOM;
}

static void in_child(void)
{
    children++;
    start_and_join();
    if (depth++ == 0) {
        pid_t child = _Fork();
        if (child == 0)
            _exit(4);
        say("fork in the child's handler: %d\n", end_of(child));
    }
    depth--;
}

int main(void)
{
    start_sleeper();
    must(pthread_atfork(before, in_parent, in_child) == 0, "pthread_atfork");
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(10 + children);
        say("child ended with %d, parents %d\n", end_of(child), parents);
    }
    return 0;
}
