/*
 * late_library LIBRARY [SECONDS]: forks beside a thread, and loads a library in the child that waits for
 * ever. Says whether the program's own slot for sem_wait changed in parent and child, and how the
 * child ended ("hung" after so many seconds: 2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *idle(void *unused)
{
    pause();
    return unused;
}

/* What a call of sem_wait from here would jump to. */
__attribute__((noinline, optimize("no-plt"))) static const void *slot(void)
{
    int (*volatile function)(sem_t *) = sem_wait;
    return *(const void **)&function;
}

static int run_child(const char *library, const void *before)
{
    printf("child %s\n", slot() == before ? "unchanged" : "changed");
    fflush(stdout);
    void *handle = dlopen(library, RTLD_NOW);
    int (*wait)(void);
    if (!handle)
        return 2;
    *(void **)&wait = dlsym(handle, "late_wait");
    return wait();
}

int main(int count, char **arguments)
{
    const void *before = slot();
    int seconds = count > 2 ? atoi(arguments[2]) : 2;
    pthread_t thread;
    int status = 0;
    pthread_create(&thread, NULL, idle, NULL);
    usleep(1000);
    pid_t child = fork();
    if (child == 0)
        _exit(run_child(count > 1 ? arguments[1] : "", before));
    int ended = 0;
    for (int i = 0; i < seconds * 20 && !ended; i++) {
        ended = waitpid(child, &status, WNOHANG) == child;
        usleep(50000);
    }
    if (ended) {
        printf("status %d\n", WEXITSTATUS(status));
    } else {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        puts("hung");
    }
    printf("parent %s\n", slot() == before ? "unchanged" : "changed");
    return 0;
}
