/*
 * The owner of a lock is known by the number of its thread. A number can be used again: in another
 * PID namespace, and by the kernel.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <sched.h>

enum { THREADS = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static sem_t held, end;

static pid_t own_number(void)
{
    return (pid_t)syscall(SYS_gettid);
}

static void *hold_for_a_while(void *unused)
{
    pthread_mutex_lock(&mutex);
    sem_post(&held);
    rest(LOOKS);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void wait_for_a_new_thread(void)
{
    sem_init(&held, 0, 0);
    pthread_t thread = start(hold_for_a_while, NULL);
    wait_for(&held);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
}

/* The numbers of the new namespace are small, as those of the old one are; /proc is the old one's.
 */
SCENARIO(another_namespace)
{
    for (int i = 0; i < THREADS; i++)
        start_sleeper();
    must(unshare(CLONE_NEWPID) == 0, "unshare");
    return run_in_child(wait_for_a_new_thread);
}

static int numbers_may_be_chosen(void)
{
    int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    if (file >= 0)
        close(file);
    return file >= 0;
}

static void choose_number(pid_t number)
{
    int file = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    must(file >= 0 && dprintf(file, "%d", number - 1) > 0, "ns_last_pid");
    close(file);
}

static pid_t lost_number;

static void *wait_for_end(void *unused)
{
    __atomic_store_n(&lost_number, own_number(), __ATOMIC_SEQ_CST);
    wait_for(&end);
    return unused;
}

/* In the grandchild: the thread that forked owns the mutex by the number that it had before. */
static void *take_it_too(void *unused)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return unused;
}

static void unlock_after_a_while(void)
{
    pthread_t thread = start(take_it_too, NULL);
    rest(LOOKS);
    pthread_mutex_unlock(&mutex);
    must(pthread_join(thread, NULL) == 0, "pthread_join");
}

#define OTHER_NUMBER ((void *)-1L)

static void *lock_and_fork(void *unused)
{
    if (own_number() != lost_number)
        return OTHER_NUMBER;
    pthread_mutex_lock(&mutex);
    int status = end_in_time(start_child(unlock_after_a_while));
    pthread_mutex_unlock(&mutex);
    (void)unused;
    return (void *)(intptr_t)status;
}

static void use_number_again(void)
{
    void *status = OTHER_NUMBER;
    char byte;
    must(read(STDIN_FILENO, &byte, 1) == 1, "read");
    /* The kernel gives a number back a moment after the thread is gone from /proc. */
    for (int i = 0; i < 100 && status == OTHER_NUMBER; i++, rest(1)) {
        choose_number(lost_number);
        must(pthread_join(start(lock_and_fork, NULL), &status) == 0, "pthread_join");
    }
    must(status == NULL, "the grandchild's end");
}

/* A new thread has the number of one that was lost and has ended since, and forks. */
SCENARIO(number_used_again)
{
    int pipes[2];
    if (!numbers_may_be_chosen())
        return say("numbers of threads cannot be chosen here\n"), 3;
    sem_init(&end, 0, 0);
    start_sleeper();
    pthread_t lost = start(wait_for_end, NULL);
    while (!__atomic_load_n(&lost_number, __ATOMIC_SEQ_CST))
        rest(1);
    must(pipe(pipes) == 0 && dup2(pipes[0], STDIN_FILENO) == STDIN_FILENO, "pipe");
    pid_t child = start_child(use_number_again);
    sem_post(&end);
    must(pthread_join(lost, NULL) == 0, "pthread_join");
    wait_for_tasks(2);
    must(write(pipes[1], ".", 1) == 1, "write");
    return tell_end(end_in_time(child));
}
