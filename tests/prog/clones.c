/* clone() in all its variants, without and with another thread alive.
   SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>

enum { STACK = 256 * 1024 };

static char stack[STACK] __attribute__((aligned(16)));
static volatile int shared;
static volatile pid_t child_tid, parent_tid;

static int give(void *argument)
{
    return *(int *)argument;
}

/* Shares the parent's memory: no libc calls that keep state. */
static int write_shared(void *argument)
{
    shared = *(int *)argument;
    return 6;
}

static int use_everything(void *argument)
{
    start_and_join();
    start_sleeper();
    pid_t child = fork();
    if (child == 0)
        _exit(*(int *)argument);
    _exit(end_of(child)); /* a return would end this thread alone */
}

static int see_tid(void *argument)
{
    (void)argument;
    return child_tid == getpid() ? 9 : 10;
}

static int close_file(void *argument)
{
    return close(*(int *)argument) == 0 ? 11 : 12;
}

static int run_as_thread(void *argument)
{
    shared = *(int *)argument;
    return 0; /* clone ends the thread by the exit system call */
}

static void fork_like(void)
{
    int seven = 7;
    say("plain: %d\n", end_of(clone(give, stack + STACK, SIGCHLD, &seven)));
    say("odd stack: %d\n", end_of(clone(give, stack + STACK - 5, SIGCHLD, &seven)));
    say("goes on: %d\n", end_of(clone(use_everything, stack + STACK, SIGCHLD, &seven)));
    parent_tid = child_tid = 0;
    pid_t child = clone(see_tid, stack + STACK,
                        CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
                        NULL, &parent_tid, NULL, &child_tid);
    int end = end_of(child);
    say("settid: %d %d %d\n", end, parent_tid == child, child_tid);
    child = clone(see_tid, stack + STACK, CLONE_PARENT_SETTID | SIGCHLD, NULL, &parent_tid);
    end = end_of(child);
    say("parent settid: %d %d\n", end, parent_tid == child);
    int file = open("/dev/null", O_RDONLY);
    say("files: %d", end_of(clone(close_file, stack + STACK, CLONE_FILES | SIGCHLD, &file)));
    say(" %d\n", fcntl(file, F_GETFD));
#ifdef CLONE_PIDFD
    int descriptor = -1;
    child = clone(give, stack + STACK, CLONE_PIDFD | SIGCHLD, &seven, &descriptor);
    end = end_of(child);
    say("pidfd: %d %d\n", end, descriptor >= 0 && fcntl(descriptor, F_GETFD) == FD_CLOEXEC);
    close(descriptor);
#endif
#ifdef __x86_64__
    child =
        clone(give, stack + STACK, CLONE_SETTLS | SIGCHLD, &seven, NULL, (void *)pthread_self());
    say("settls: %d\n", end_of(child));
#endif
}

static void memory_shared(void)
{
    int value = 21;
    shared = 0;
    say("vm vfork: %d",
        end_of(clone(write_shared, stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, &value)));
    say(" %d\n", shared);
    value = 22;
    say("vm: %d", end_of(clone(write_shared, stack + STACK, CLONE_VM | SIGCHLD, &value)));
    say(" %d\n", shared);
}

static void thread_like(void)
{
    int value = 23;
    const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                      CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
                      CLONE_CHILD_SETTID;
    parent_tid = 0;
    child_tid = -1;
    pid_t thread =
        clone(run_as_thread, stack + STACK, flags, &value, &parent_tid, NULL, &child_tid);
    must(thread > 0, "clone of a thread");
    for (pid_t now; (now = child_tid) != 0;)
        syscall(SYS_futex, &child_tid, FUTEX_WAIT, now, NULL, NULL, 0);
    say("thread: %d %d\n", shared, parent_tid == thread);
}

static void refused(void)
{
    errno = 0;
    int result = clone(NULL, stack + STACK, SIGCHLD, NULL);
    say("no function: %d %s\n", result, strerrorname_np(errno));
    errno = 0;
    result = clone(give, NULL, SIGCHLD, NULL);
    say("no stack: %d %s\n", result, strerrorname_np(errno));
    errno = 0;
    result = clone(give, stack + STACK, CLONE_THREAD | SIGCHLD, NULL);
    say("thread without memory: %d %s\n", result, strerrorname_np(errno));
    errno = 0;
    result = clone(give, stack + STACK, CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL);
    say("flags that exclude each other: %d %s\n", result, strerrorname_np(errno));
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        fork_like();
        memory_shared();
        refused();
        thread_like();
        wait_for_tasks(i ? 2 : 1);
        fork_like();
        if (i == 0)
            start_sleeper();
    }
    return 0;
}
