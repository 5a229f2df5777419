/*
 * A child locks itself in, as sandboxed workers do, and waits for a thread of its own: it must make
 * no system call that it did not make bare, or that its sandbox does not know.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guest.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static sem_t semaphore;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int ready;

static void *post_later(void *unused)
{
    rest(LOOKS);
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    sem_post(&semaphore);
    return unused;
}

static void filter(const struct sock_filter *rules, size_t count)
{
    struct sock_fprog program = {.len = (unsigned short)count,
                                 .filter = (struct sock_filter *)(uintptr_t)rules};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0,
         "seccomp");
}

#define NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define AT(number, action) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1), BPF_STMT(BPF_RET | BPF_K, (action))
#define ELSE(action) BPF_STMT(BPF_RET | BPF_K, (action))

static void forbid_open(unsigned action)
{
    const struct sock_filter rules[] = {NUMBER, AT(SYS_openat, action),
#ifdef SYS_open
                                        AT(SYS_open, action),
#endif
                                        ELSE(SECCOMP_RET_ALLOW)};
    filter(rules, sizeof rules / sizeof *rules);
}

/* What the threads below do bare. */
static void allow_little(void)
{
    enum { YES = SECCOMP_RET_ALLOW };
    const struct sock_filter rules[] = {NUMBER,
                                        AT(SYS_futex, YES),
                                        AT(SYS_clock_nanosleep, YES),
                                        AT(SYS_exit, YES),
                                        AT(SYS_exit_group, YES),
                                        AT(SYS_rt_sigprocmask, YES),
                                        AT(SYS_madvise, YES),
                                        AT(SYS_rseq, YES),
                                        AT(SYS_write, YES),
                                        ELSE(SECCOMP_RET_KILL_PROCESS)};
    filter(rules, sizeof rules / sizeof *rules);
}

static void wait_for_semaphore(void)
{
    wait_for(&semaphore);
}

static void wait_for_condition(void)
{
    pthread_mutex_lock(&mutex);
    while (!ready)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void prepare(void)
{
    sem_init(&semaphore, 0, 0);
    start(post_later, NULL);
    rest(50);
}

CHILD(open_kills_semaphore)
{
    prepare();
    forbid_open(SECCOMP_RET_KILL_PROCESS);
    wait_for_semaphore();
}

CHILD(open_kills_condition)
{
    prepare();
    forbid_open(SECCOMP_RET_KILL_PROCESS);
    wait_for_condition();
}

CHILD(open_fails_semaphore)
{
    prepare();
    forbid_open(SECCOMP_RET_ERRNO | EPERM);
    wait_for_semaphore();
}

CHILD(all_else_kills_semaphore)
{
    prepare();
    allow_little();
    wait_for_semaphore();
}

CHILD(all_else_kills_condition)
{
    prepare();
    allow_little();
    wait_for_condition();
}

CHILD(strict_and_free)
{
    sem_init(&semaphore, 0, 1);
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0, "PR_SET_SECCOMP");
    sem_wait(&semaphore);
    syscall(SYS_exit, 0);
}

CHILD(no_descriptors_left)
{
    const struct rlimit three = {3, 3};
    must(setrlimit(RLIMIT_NOFILE, &three) == 0, "setrlimit");
    prepare();
    wait_for_semaphore();
}
