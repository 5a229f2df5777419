/* Forks and starts threads at a limit: "processes", as another user because root has none, or
   "files", with no descriptor left. SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <sys/resource.h>

static void show(const char *what, int result, int error)
{
    say("%s: %d %s\n", what, result < 0 ? -1 : result > 0,
        result < 0 ? strerrorname_np(error) : "-");
}

static void try_all(void)
{
    pthread_t thread;
    errno = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(1);
    show("fork", child, errno);
    if (child > 0)
        say("child ended with %d\n", end_of(child));
    errno = 0;
    child = HAS_SMALL_FORK ? _Fork() : -1;
    if (child == 0)
        _exit(2);
    show("_Fork", child, errno);
    if (child > 0)
        say("child ended with %d\n", end_of(child));
    errno = 0;
    child = vfork();
    if (child == 0)
        _exit(3);
    show("vfork", child, errno);
    if (child > 0)
        say("child ended with %d\n", end_of(child));
    errno = 0;
    int error = pthread_create(&thread, NULL, return_argument, NULL);
    say("pthread_create: %s, errno %d\n", error ? strerrorname_np(error) : "-", errno);
    if (!error)
        pthread_join(thread, NULL);
}

int main(int count, char **arguments)
{
    int files = count > 1 && strcmp(arguments[1], "files") == 0;
    struct rlimit limit = {files ? 3 : 2, files ? 3 : 2};
    start_sleeper();
    if (!files && (setgid(61234) != 0 || setuid(61234) != 0))
        _exit(77);
    must(setrlimit(files ? RLIMIT_NOFILE : RLIMIT_NPROC, &limit) == 0, "setrlimit");
    try_all();
    return 0;
}
