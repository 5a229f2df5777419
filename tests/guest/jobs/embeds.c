/*
 * A program with Python linked in, whose symbols it exports, and with handlers of its own in C, as
 * Blender and others are. embeds SCENARIO.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../prog/guest.h"

void Py_InitializeEx(int);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *);
int PyRun_SimpleStringFlags(const char *, void *);

static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int ready;
static void *state;

static void post(int number)
{
    (void)number;
    sem_post(&semaphore);
}

static void embed(void)
{
    Py_InitializeEx(0); /* no handlers of Python's */
    PyRun_SimpleStringFlags("import signal", NULL);
    state = PyEval_SaveThread();
    sem_init(&semaphore, 0, 0);
    handle(SIGUSR1, post, SA_RESTART);
    start_sleeper();
}

static int signal_child(void (*body)(void), long milliseconds)
{
    pid_t child = start_child(body);
    rest(milliseconds);
    kill(child, SIGUSR1);
    return tell_end(end_in_time(child));
}

static void wait_for_handler(void)
{
    wait_for(&semaphore);
}

static void *tell_main(void *unused)
{
    wait_for(&semaphore);
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void wait_for_helper(void)
{
    start(tell_main, NULL);
    pthread_mutex_lock(&mutex);
    while (!ready)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}

SCENARIO(without_the_gil)
{
    embed();
    return signal_child(wait_for_handler, LOOKS);
}

SCENARIO(with_the_gil)
{
    embed();
    PyEval_RestoreThread(state);
    return signal_child(wait_for_handler, LOOKS);
}

SCENARIO(helper_is_woken)
{
    embed();
    return signal_child(wait_for_helper, 2600);
}
