/*
 * The kernel gives a signal for the process to its main thread, where that does not block it, and a
 * handler that exits relies on it: a main thread that waits beside threads that work blocks none.
 * (Which thread gets it is not asked: under load the kernel takes another one now and then.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

enum { HELD = 11 /* milliseconds: a watch looks after 10 */, TURNS = 80 };

static _Atomic int *stage; /* of the child */
enum { WAITS = 1, OVER, SEEN };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t turn;

static void *hold_mutex(void *unused)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        sem_post(&turn);
        rest(HELD);
        pthread_cond_signal(&condition);
        pthread_mutex_unlock(&mutex);
        rest(1);
    }
    return unused;
}

static void *hold_lock(void *unused)
{
    for (;;) {
        pthread_rwlock_wrlock(&lock);
        sem_post(&turn);
        rest(HELD);
        pthread_rwlock_unlock(&lock);
        rest(1);
    }
    return unused;
}

static void take_turns(void *(*hold)(void *), void (*wait)(void))
{
    sem_init(&turn, 0, 0);
    start(hold, NULL);
    *stage = WAITS; /* pthread_create has blocked all signals for a moment */
    for (int i = 0; i < TURNS; i++) {
        wait_for(&turn);
        wait();
    }
    *stage = OVER;
    while (*stage != SEEN)
        rest(1);
}

static void wait_for_mutex(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void wait_for_condition(void)
{
    pthread_mutex_lock(&mutex);
    pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void wait_for_lock(void)
{
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_unlock(&lock);
}

static void child_of_mutex(void)
{
    take_turns(hold_mutex, wait_for_mutex);
}

static void child_of_condition(void)
{
    take_turns(hold_mutex, wait_for_condition);
}

static void child_of_lock(void)
{
    take_turns(hold_lock, wait_for_lock);
}

static unsigned long blocked_by(pid_t process)
{
    char path[32], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    int file = open(path, O_RDONLY);
    ssize_t length = file < 0 ? 0 : read(file, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    close(file);
    const char *line = strstr(text, "\nSigBlk:");
    return line ? strtoul(line + 8, NULL, 16) : 0;
}

static int look_at_child(void (*body)(void))
{
    unsigned long blocked = 0;
    siginfo_t info = {0};
    stage = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(stage != MAP_FAILED, "mmap");
    start_sleeper();
    pid_t child = start_child(body);
    while (*stage != OVER && info.si_pid != child) {
        if (*stage == WAITS)
            blocked |= blocked_by(child);
        must(waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) == 0, "waitid");
    }
    *stage = SEEN;
    say("blocked in the main thread: %lx\n", blocked);
    return tell_end(end_in_time(child));
}

SCENARIO(in_a_mutex)
{
    return look_at_child(child_of_mutex);
}

SCENARIO(in_a_condition)
{
    return look_at_child(child_of_condition);
}

SCENARIO(in_a_lock)
{
    return look_at_child(child_of_lock);
}
