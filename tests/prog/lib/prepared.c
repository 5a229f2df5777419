/*
 * A runtime that can be made ready for a fork: a worker that doubles numbers, and functions that
 * send it home, as prepare lines of a policy call them. Each says how it was called.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../host.h"

#include <semaphore.h>

enum { WORKERS = 2 };

static pthread_t workers[WORKERS];
static int running, stopping, number;
static sem_t asked, answered;
static int calls;
static pid_t caller, process;

int prepared_use(int given);
int prepared_running(void);
int prepared_calls(void);
int prepared_called_by(pid_t thread, pid_t process_of_thread);
int prepared_note(const char *text);
int prepared_reset(int integer, long number_of_reset, double real, void *pointer, const char *text);
int prepared_eight(long a, long b, long c, long d, long e, long f, long g, long h);
int prepared_doubles(double a, int b, double c, double d);
int prepared_nothing(void);
int prepared_fails(int result);
int prepared_forks(void);

static void *work(void *unused)
{
    for (;;) {
        while (sem_wait(&asked) != 0)
            ;
        if (stopping)
            return unused;
        number *= 2;
        sem_post(&answered);
    }
}

/* Twice the number, by a worker: for ever, where the workers are lost. */
int prepared_use(int given)
{
    if (!running) {
        sem_init(&asked, 0, 0);
        sem_init(&answered, 0, 0);
        stopping = 0;
        for (; running < WORKERS; running++)
            must(pthread_create(&workers[running], NULL, work, NULL) == 0, "pthread_create");
    }
    number = given;
    sem_post(&asked);
    while (sem_wait(&answered) != 0)
        ;
    return number;
}

int prepared_running(void)
{
    return running;
}

int prepared_calls(void)
{
    return calls;
}

int prepared_called_by(pid_t thread, pid_t process_of_thread)
{
    return caller == thread && process == process_of_thread;
}

static int stop(void)
{
    calls++;
    caller = (pid_t)syscall(SYS_gettid);
    process = getpid();
    stopping = 1;
    for (int i = 0; i < running; i++)
        sem_post(&asked);
    while (running)
        pthread_join(workers[--running], NULL);
    return 0;
}

int prepared_note(const char *text)
{
    say("note %s\n", text);
    return 0;
}

int prepared_reset(int integer, long number_of_reset, double real, void *pointer, const char *text)
{
    say("reset %d %ld %g %p [%s]\n", integer, number_of_reset, real, pointer, text);
    return stop();
}

int prepared_eight(long a, long b, long c, long d, long e, long f, long g, long h)
{
    say("eight %ld %ld %ld %ld %ld %ld %ld %ld\n", a, b, c, d, e, f, g, h);
    return stop();
}

int prepared_doubles(double a, int b, double c, double d)
{
    say("doubles %g %d %g %g\n", a, b, c, d);
    return stop();
}

int prepared_nothing(void)
{
    say("nothing\n");
    return stop();
}

/* The workers stay. */
int prepared_fails(int result)
{
    calls++;
    say("fails %d\n", result);
    return result;
}

/* What a runtime's function does itself is none of the policy's. */
int prepared_forks(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    say("forked %d\n", end_of(child));
    return stop();
}
