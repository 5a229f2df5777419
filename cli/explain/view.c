/* See view.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/view.h"

#include "common/files.h"

#include <dirent.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool read_of(pid_t pid, const char *name, char *buffer, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return fp_file_read(path, buffer, size) > 0;
}

static uint64_t number_after(const char *text, const char *key, int base)
{
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

static void read_call(struct fp_view *view, struct fp_task *task, const char *folder)
{
    char name[64], line[256];
    snprintf(name, sizeof name, "%s/syscall", folder);
    task->call = -1;
    if (!read_of(view->process.pid, name, line, sizeof line)) {
        view->may_trace = false;
        return;
    }
    if (line[0] < '0' || line[0] > '9')
        return; /* "running" */
    char *at;
    task->call = strtol(line, &at, 10);
    for (size_t i = 0; i < sizeof task->arguments / sizeof *task->arguments; i++)
        task->arguments[i] = strtoull(at, &at, 16);
}

/* The last number of NSpid is the innermost namespace's; kernels before 4.1 do not tell. */
static pid_t own_tid(const char *status, pid_t tid)
{
    const char *line = strstr(status, "\nNSpid:"), *end = line ? strchr(line + 1, '\n') : NULL;
    while (end && end > line && end[-1] >= '0' && end[-1] <= '9')
        end--;
    return end ? (pid_t)strtol(end, NULL, 10) : tid;
}

pid_t fp_view_own_pid(pid_t pid)
{
    char text[4096];
    return read_of(pid, "status", text, sizeof text) ? own_tid(text, pid) : pid;
}

static bool read_task(struct fp_view *view, struct fp_task *task)
{
    char folder[40], name[64], text[4096];
    snprintf(folder, sizeof folder, "task/%d", (int)task->tid);
    snprintf(name, sizeof name, "%s/status", folder);
    if (!read_of(view->process.pid, name, text, sizeof text))
        return false;
    const char *state = strstr(text, "\nState:\t");
    task->state = state ? state[8] : '?';
    sscanf(text, "Name:\t%31[^\n]", task->name);
    task->own_tid = own_tid(text, task->tid);
    task->switches = number_after(text, "\nvoluntary_ctxt_switches:", 10) +
                     number_after(text, "\nnonvoluntary_ctxt_switches:", 10);
    task->blocked = number_after(text, "\nSigBlk:", 16);
    struct fp_tree_process thread = {0};
    fp_tree_read_process(task->tid, &thread); /* a thread has such files, too */
    task->begun = thread.begun;
    if (task->tid == view->process.pid)
        view->handled = number_after(text, "\nSigCgt:", 16);
    if (task->state == 'Z' || task->state == 'X')
        return false; /* a main thread that has left does nothing more */
    read_call(view, task, folder);
    return true;
}

/* The kernel's list stops at a thread that ends while it is made (proc_task_readdir of Linux 6.18).
 */
static bool is_whole(pid_t pid, size_t listed)
{
    struct fp_tree_process now = {0};
    return fp_tree_read_process(pid, &now) && now.threads == listed;
}

static bool read_tasks_once(struct fp_view *view)
{
    size_t listed = 0;
    view->task_count = 0;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/task", (int)view->process.pid);
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        struct fp_task task = {.tid = (pid_t)strtol(entry->d_name, NULL, 10)};
        listed += task.tid > 0;
        if (task.tid <= 0 || !read_task(view, &task))
            continue;
        void *grown = realloc(view->tasks, (view->task_count + 1) * sizeof task);
        if (!grown)
            break;
        view->tasks = grown;
        view->tasks[view->task_count++] = task;
    }
    if (folder)
        closedir(folder);
    return is_whole(view->process.pid, listed);
}

static void read_tasks(struct fp_view *view)
{
    enum { TRIES = 10 }; /* threads may come and go all the time */
    for (int i = 0; i < TRIES && !read_tasks_once(view); i++)
        ;
}

/* One look sees threads at different times; two that find the same have a moment in common. */
bool fp_view_rests(const struct fp_view *view)
{
    struct fp_view again = {.process = view->process, .may_trace = true};
    read_tasks(&again);
    bool rests = again.task_count == view->task_count;
    for (size_t i = 0; rests && i < again.task_count; i++) {
        const struct fp_task *before = fp_view_task(view, again.tasks[i].tid);
        rests = before && before->switches == again.tasks[i].switches &&
                before->state == again.tasks[i].state && before->call == again.tasks[i].call &&
                before->arguments[0] == again.tasks[i].arguments[0];
    }
    free(again.tasks);
    return rests;
}

/* "python3 train.py": the base name of the program, and its arguments. */
static void read_program(struct fp_view *view)
{
    char line[sizeof view->program];
    ssize_t length = 0;
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)view->process.pid);
    length = fp_file_read(path, line, sizeof line);
    for (ssize_t i = 0; i + 1 < length; i++)
        if (!line[i] || (unsigned char)line[i] < ' ')
            line[i] = ' ';
    const char *blank = length > 0 ? strchr(line, ' ') : NULL, *base = line;
    for (const char *at = line; length > 0 && *at && at != blank; at++)
        if (*at == '/')
            base = at + 1;
    snprintf(view->program, sizeof view->program, "%s", length > 0 ? base : "");
}

static unsigned count_children(pid_t pid)
{
    struct fp_tree tree = {0};
    unsigned count = 0;
    fp_tree_read(&tree, pid);
    for (size_t i = 0; i < tree.count; i++)
        count += tree.processes[i].parent == pid;
    fp_tree_free(&tree);
    return count;
}

static void say_denied(pid_t pid, char *why, size_t size)
{
    char path[40], scope[8] = "";
    struct stat status = {0};
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (stat(path, &status) == 0 && status.st_uid != geteuid() && geteuid() != 0)
        snprintf(why, size, "it belongs to user %u: run this as that user or as root",
                 (unsigned)status.st_uid);
    else if (fp_file_read("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof scope) > 0 &&
             scope[0] != '0')
        snprintf(why, size,
                 "this machine lets only ancestors look into a process (kernel.yama.ptrace_scope "
                 "is %c): run this as root",
                 scope[0]);
    else
        snprintf(why, size, "its memory map may not be read: %s",
                 geteuid() == 0 ? "root needs CAP_SYS_PTRACE for that, which containers leave out "
                                  "(docker run --cap-add SYS_PTRACE)"
                                : "run this as root");
}

bool fp_view_read(struct fp_view *view, pid_t pid, char *why, size_t size)
{
    *view = (struct fp_view){.may_trace = true};
    bool alive = fp_tree_read_process(pid, &view->process);
    if (!alive) {
        bool zombie = view->process.state == 'Z';
        snprintf(why, size, "%s",
                 zombie ? "it has ended, and its parent has not asked for its status yet (a zombie)"
                        : "there is no such process");
        return false;
    }
    read_program(view);
    if (!fp_view_read_mappings(view)) {
        if (errno == EACCES || errno == EPERM)
            say_denied(pid, why, size);
        else
            snprintf(why, size,
                     "it has no memory of its own: a thread of the kernel, about to end, or "
                     "its main thread has left");
        fp_view_free(view);
        return false;
    }
    read_tasks(view);
    view->rests = fp_view_rests(view);
    view->children = count_children(pid);
    return true;
}

void fp_view_free(struct fp_view *view)
{
    for (size_t i = 0; i < view->mapping_count; i++)
        free(view->mappings[i].path);
    free(view->mappings);
    free(view->tasks);
    *view = (struct fp_view){0};
}

const struct fp_task *fp_view_task(const struct fp_view *view, pid_t tid)
{
    for (size_t i = 0; i < view->task_count; i++)
        if (view->tasks[i].tid == tid)
            return &view->tasks[i];
    return NULL;
}

const struct fp_task *fp_view_own_task(const struct fp_view *view, pid_t own_tid)
{
    for (size_t i = 0; i < view->task_count; i++)
        if (view->tasks[i].own_tid == own_tid)
            return &view->tasks[i];
    return NULL;
}

bool fp_view_copy(const struct fp_view *view, uint64_t address, void *to, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)(uintptr_t)address, size};
    return process_vm_readv(view->process.pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool fp_task_in_futex(const struct fp_task *task, bool *is_endless)
{
    int command = (int)task->arguments[1] & FUTEX_CMD_MASK;
    bool waits = task->call == SYS_futex && (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET);
    *is_endless = waits && task->arguments[3] == 0;
    return waits;
}
