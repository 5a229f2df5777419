/*
 * A program with Python in it, whose symbols it exports, and with handlers of its own in C, as
 * Blender and others are. embeds SCENARIO.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../prog/guest.h"

const char *Py_GetVersion(void);
void Py_Initialize(void);
void *PyEval_SaveThread(void);
void PyEval_RestoreThread(void *);
int PyRun_SimpleStringFlags(const char *, void *);

/* One of Python's symbols is the program's, as all are where it is linked in; the library is near. */
const char *Py_GetVersion(void)
{
    return "3 (linked in)";
}

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
    Py_Initialize();
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

/* Python's handler, for one of its own signals, still interrupts what waits. */
SCENARIO(handler_of_python)
{
    embed();
    PyEval_RestoreThread(state);
    PyRun_SimpleStringFlags("import signal; signal.signal(signal.SIGUSR2, lambda *_: None)", NULL);
    return signal_child(wait_for_handler, LOOKS);
}
