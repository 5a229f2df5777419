/*
 * Loads libraries, lets each start threads, and forks. load OPTION... LIBRARY...
 *   global | local | deepbind   how the next libraries are loaded (local)
 *   threads=N        how many threads each starts (2)
 *   forks=N          how many forks, all at one place (1)
 *   thread           forks from a thread with a stack of 64 KiB
 *   open=FILE        opens it first: the descriptor is the lowest one free
 *   unlink=FILE      removes a file, such as a library that was loaded
 *   nested           the child starts one more thread of its own and forks, too
 *   pause            says that it is ready and sleeps instead of forking
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <dlfcn.h>
#include <fcntl.h>

static int forks = 1, nested;

static void fork_once(void)
{
    errno = 0;
    pid_t child = fork();
    if (child < 0) {
        say("fork: %s\n", errno == ENOTSUP ? "ENOTSUP" : strerrorname_np(errno));
        return;
    }
    if (child == 0 && nested) {
        start_sleeper();
        nested = 0;
        fork_once();
        _exit(0);
    }
    if (child == 0)
        _exit(3);
    say("child ended with %d\n", end_of(child));
}

static void *fork_all(void *unused)
{
    for (int i = 0; i < forks; i++)
        fork_once();
    return unused;
}

__attribute__((noinline)) static void stop_here(void)
{
    say("ready\n");
    rest(20000);
}

static void load(const char *path, int mode, int threads)
{
    void *library = dlopen(path, RTLD_NOW | mode);
    must(library != NULL, path);
    void (*start)(int) = (void (*)(int))dlsym(library, "start_threads");
    must(start != NULL, "start_threads");
    start(threads);
}

int main(int count, char **arguments)
{
    int mode = RTLD_LOCAL, threads = 2, from_thread = 0, stop = 0;
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "global") == 0)
            mode = RTLD_GLOBAL;
        else if (strcmp(argument, "local") == 0)
            mode = RTLD_LOCAL;
        else if (strcmp(argument, "deepbind") == 0)
            mode = RTLD_LOCAL | RTLD_DEEPBIND;
        else if (strcmp(argument, "thread") == 0)
            from_thread = 1;
        else if (strcmp(argument, "nested") == 0)
            nested = 1;
        else if (strcmp(argument, "pause") == 0)
            stop = 1;
        else if (strncmp(argument, "threads=", 8) == 0)
            threads = atoi(argument + 8);
        else if (strncmp(argument, "forks=", 6) == 0)
            forks = atoi(argument + 6);
        else if (strncmp(argument, "open=", 5) == 0)
            must(open(argument + 5, O_RDWR | O_CREAT | O_APPEND, 0600) >= 0, "open");
        else if (strncmp(argument, "unlink=", 7) == 0)
            must(unlink(argument + 7) == 0, "unlink");
        else
            load(argument, mode, threads);
    }
    if (stop) {
        stop_here();
    } else if (from_thread) {
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        must(pthread_attr_setstacksize(&attributes, 65536) == 0, "stack size");
        must(pthread_create(&thread, &attributes, fork_all, NULL) == 0, "pthread_create");
        pthread_join(thread, NULL);
    } else {
        fork_all(NULL);
    }
    return 0;
}
