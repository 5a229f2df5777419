/*
 * System calls made without libc in a forked child that lost a thread.
 *
 *     inline_futex wait      an endless futex wait
 *     inline_futex blocked   the same in a thread that blocks SIGSYS
 *     inline_futex taken     the same where the program has a SIGSYS handler of its own
 *     inline_futex thread    the same in two threads of the child
 *     inline_futex calls     other calls, also those that only a thread itself can make
 *
 * The parent says how the child ended, or "hung" after as many seconds as a second argument says (2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)

static int words[2];

static long raw(long number, long a, long b, long c, long d)
{
    register long fourth __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static void *wait_inline(void *word)
{
    raw(SYS_getpid, 0, 0, 0, 0);
    raw(SYS_futex, (long)word, FUTEX_WAKE_PRIVATE, 1, 0);
    raw(SYS_futex, (long)word, FUTEX_WAIT_PRIVATE, 0, 0);
    return word;
}

static void *idle(void *unused)
{
    pause();
    return unused;
}

static volatile sig_atomic_t usr1;

static void note(int number)
{
    (void)number;
    usr1++;
}

static int make_calls(void)
{
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    signal(SIGUSR1, note);
    printf("pid %d\n", raw(SYS_getpid, 0, 0, 0, 0) == getpid());
    printf("error %ld\n", raw(SYS_close, -1, 0, 0, 0));
    raw(SYS_rt_sigprocmask, SIG_BLOCK, (long)&block, (long)&before, 8);
    raw(SYS_kill, getpid(), SIGUSR1, 0, 0);
    printf("blocked %d\n", usr1);
    raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, 8);
    printf("unblocked %d\n", usr1);
    long child = raw(SYS_clone, SIGCHLD, 0, 0, 0);
    if (child == 0)
        _exit(7);
    int status = 0;
    waitpid((pid_t)child, &status, 0);
    printf("cloned %d\n", WEXITSTATUS(status));
    raw(SYS_kill, getpid(), SIGUSR1, 0, 0);
    printf("handled %d\n", usr1);
    fflush(stdout);
    return 0;
}

static int run_child(const char *mode)
{
    pthread_t thread;
    if (strcmp(mode, "calls") == 0)
        return make_calls();
    if (strcmp(mode, "thread") == 0)
        pthread_create(&thread, NULL, wait_inline, &words[1]);
    wait_inline(&words[0]);
    return 1;
}

int main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "wait";
    int seconds = count > 2 ? atoi(arguments[2]) : 2;
    pthread_t thread;
    sigset_t block;
    int status;
    if (strcmp(mode, "taken") == 0)
        signal(SIGSYS, note);
    pthread_create(&thread, NULL, idle, NULL);
    usleep(1000);
    sigemptyset(&block);
    sigaddset(&block, SIGSYS);
    if (strcmp(mode, "blocked") == 0)
        pthread_sigmask(SIG_BLOCK, &block, NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(run_child(mode));
    for (int i = 0; i < seconds * 20; i++) {
        if (waitpid(child, &status, WNOHANG) == child) {
            if (WIFSIGNALED(status))
                printf("signal %d\n", WTERMSIG(status));
            else
                printf("status %d\n", WEXITSTATUS(status));
            return 0;
        }
        usleep(50000);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    puts("hung");
    return 0;
}

#else

int main(void)
{
    puts("not on this machine");
    return 0;
}

#endif
