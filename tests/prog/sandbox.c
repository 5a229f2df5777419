/*
 * sandbox prctl|seccomp: a child forbids itself to open files, or to ask for any, on pain of death;
 * then it waits for its own thread in every way, starts another one, and forks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "host.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/prctl.h>

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int is_done;

static void enter_sandbox(const char *by)
{
#define FORBID(number)                                   \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        FORBID(SYS_openat),
        FORBID(SYS_readlinkat),
        FORBID(SYS_getdents64),
#ifdef SYS_open
        FORBID(SYS_open),
        FORBID(SYS_stat),
        FORBID(SYS_readlink),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    if (strcmp(by, "prctl") == 0)
        must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "PR_SET_SECCOMP");
    else
        must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0, "seccomp");
}

static void *end_waits(void *unused)
{
    rest(300);
    sem_post(&semaphore);
    rest(300);
    pthread_mutex_lock(&mutex);
    is_done = 1;
    pthread_cond_signal(&condition);
    rest(300);
    pthread_mutex_unlock(&mutex);
    rest(300);
    return unused;
}

static int run_child(const char *by)
{
    pthread_t thread;
    sem_init(&semaphore, 0, 0);
    must(!pthread_create(&thread, NULL, end_waits, NULL), "pthread_create");
    enter_sandbox(by);
    while (sem_wait(&semaphore))
        ;
    pthread_mutex_lock(&mutex);
    while (!is_done)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    start_and_join();
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    say("its own child: %d\n", end_of(child));
    return 0;
}

int main(int count, char **arguments)
{
    must(count == 2, "prctl or seccomp");
    start_sleeper();
    pid_t child = fork();
    if (child == 0)
        _exit(run_child(arguments[1]));
    say("child: %d\n", end_of(child));
    return 0;
}
