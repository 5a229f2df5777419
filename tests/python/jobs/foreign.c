/*
 * A library with threads of its own that a forked child does not have: the work is done by them,
 * so that the child waits for ever. SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked, answered;

static void *work(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (asked == answered)
            pthread_cond_wait(&changed, &lock);
        answered = asked;
        pthread_cond_broadcast(&changed);
    }
    return 0;
}

int foreign_start(int threads)
{
    pthread_t thread;
    int error = 0;
    while (threads-- > 0 && !error)
        error = pthread_create(&thread, 0, work, 0);
    return error;
}

/* Has a thread count one up, and gives what it says. */
int foreign_ask(void)
{
    pthread_mutex_lock(&lock);
    int mine = ++asked;
    pthread_cond_broadcast(&changed);
    while (answered < mine)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return mine;
}

static void *start_here(void *threads)
{
    return (void *)(intptr_t)foreign_start((int)(intptr_t)threads);
}

/* Forks, and gives the child's exit status. */
int foreign_fork(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(7);
    return child < 0 || waitpid(child, &status, 0) != child ? -1 : WEXITSTATUS(status);
}

static void *fork_here(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)foreign_fork();
}

static int on_a_thread(void *(*routine)(void *), int argument)
{
    pthread_t thread;
    void *result;
    if (pthread_create(&thread, 0, routine, (void *)(intptr_t)argument) != 0)
        return -1;
    pthread_join(thread, &result);
    return (int)(intptr_t)result;
}

/* The same on a thread that Python knows nothing of. */
int foreign_start_from_thread(int threads)
{
    return on_a_thread(start_here, threads);
}

int foreign_fork_from_thread(void)
{
    return on_a_thread(fork_here, 0);
}

static void *hold(void *held)
{
    pthread_mutex_lock(&lock);
    pthread_barrier_wait(held);
    for (;;)
        pause();
}

/* Has a thread take the lock, and keep it. */
int foreign_hold(void)
{
    static pthread_barrier_t held;
    pthread_t thread;
    pthread_barrier_init(&held, 0, 2);
    if (pthread_create(&thread, 0, hold, &held) != 0)
        return -1;
    pthread_barrier_wait(&held);
    return 0;
}
