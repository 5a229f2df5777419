/* System calls in words. See view.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/view.h"

#include <sys/syscall.h>
#include <unistd.h>

static const char *file_of(const struct fp_view *view, uint64_t number)
{
    static char text[256];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)view->process.pid, (int)number);
    ssize_t length = readlink(path, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static const struct {
    long call;
    const char *name;
    bool has_file;
} CALLS[] = {
    {SYS_futex, "futex", false},
    {SYS_read, "read", true},
    {SYS_write, "write", true},
    {SYS_recvfrom, "recvfrom", true},
    {SYS_recvmsg, "recvmsg", true},
    {SYS_accept4, "accept4", true},
    {SYS_connect, "connect", true},
    {SYS_epoll_pwait, "epoll_wait", true},
    {SYS_ppoll, "poll", false},
    {SYS_pselect6, "select", false},
    {SYS_clock_nanosleep, "sleep", false},
    {SYS_restart_syscall, "a wait with a time limit", false},
    {SYS_wait4, "wait4", false},
    {SYS_waitid, "waitid", false},
    {SYS_rt_sigtimedwait, "sigwait", false},
#ifdef SYS_epoll_wait
    {SYS_epoll_wait, "epoll_wait", true},
    {SYS_poll, "poll", false},
    {SYS_select, "select", false},
    {SYS_pause, "pause", false},
#endif
};

const char *fp_task_call(const struct fp_view *view, const struct fp_task *task)
{
    static char text[400];
    if (task->call < 0) {
        snprintf(text, sizeof text, "%s",
                 task->state == 'R'                         ? "runs"
                 : task->state == 't' || task->state == 'T' ? "is stopped"
                                                            : "is in no system call");
        return text;
    }
    for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++) {
        if (CALLS[i].call != task->call)
            continue;
        if (CALLS[i].has_file)
            snprintf(text, sizeof text, "%s(%d: %s)", CALLS[i].name, (int)task->arguments[0],
                     file_of(view, task->arguments[0]));
        else
            snprintf(text, sizeof text, "%s", CALLS[i].name);
        return text;
    }
    snprintf(text, sizeof text, "system call %ld", task->call);
    return text;
}
