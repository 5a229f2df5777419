/* Threads and forks in a program of another libc than the shim was built for.
   SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *give(void *argument)
{
    return argument;
}

static void *sleep_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

static int start_and_join(void)
{
    pthread_t thread;
    void *result = NULL;
    int number = 0;
    if (pthread_create(&thread, NULL, give, &number) != 0)
        return 0;
    pthread_join(thread, &result);
    return result == &number;
}

static int end_of(pid_t child)
{
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static pid_t forked(pid_t (*how)(void))
{
    pid_t child = how();
    if (child == 0)
        _exit(start_and_join() ? 7 : 8);
    return child;
}

int main(void)
{
    pthread_t thread;
    setvbuf(stdout, NULL, _IONBF, 0);
    for (int i = 0; i < 2; i++) {
        printf("thread %d\n", start_and_join());
        printf("fork %d\n", end_of(forked(fork)));
        pid_t child = vfork();
        if (child == 0)
            _exit(9);
        printf("vfork %d\n", end_of(child));
        if (pthread_create(&thread, NULL, sleep_for_ever, NULL) != 0)
            return 1;
    }
    return 0;
}
