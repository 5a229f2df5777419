/*
 * A child waits for a lock whose owner was lost, and the program has a handler of its own that only
 * ends the process, as those of a server's workers do. Ends with the child's status.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t held;

static void leave(int number)
{
    (void)number;
    _exit(1);
}

static void *hold(void *unused)
{
    pthread_mutex_lock(&lock);
    pthread_barrier_wait(&held);
    for (;;)
        pause();
    return unused;
}

int main(void)
{
    int status;
    pthread_t thread;
    signal(SIGTERM, leave);
    pthread_barrier_init(&held, NULL, 2);
    pthread_create(&thread, NULL, hold, NULL);
    pthread_barrier_wait(&held);
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(&lock);
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
