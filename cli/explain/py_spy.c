/*
 * Python stacks of another process, asked of py-spy: the layout of CPython's frames differs from
 * version to version, and it keeps up with them. See stacks.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/explain/stacks.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LIMIT_MILLISECONDS = 10 * 1000, OUTPUT_MAX = 16 << 20 };

/* In the folder of this program, where pip puts both; else on PATH. */
static const char *find_program(void)
{
    static char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
    char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (slash) {
        memcpy(slash + 1, "py-spy", sizeof "py-spy");
        if (access(path, X_OK) == 0)
            return path;
    }
    return "py-spy";
}

static pid_t start(pid_t pid, int *output)
{
    char number[16];
    int ends[2];
    pid_t child = -1;
    posix_spawn_file_actions_t actions;
    snprintf(number, sizeof number, "%d", (int)pid);
    char *arguments[] = {"py-spy", "dump", "--json", "--pid", number, NULL};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    errno = posix_spawnp(&child, find_program(), &actions, NULL, arguments, environ);
    if (errno)
        child = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (child > 0)
        *output = ends[0];
    else
        close(ends[0]);
    return child;
}

static char *read_output(int output, size_t *length)
{
    struct pollfd ready = {.fd = output, .events = POLLIN};
    char *text = NULL;
    ssize_t got = 1;
    for (size_t room = 0; got > 0 && *length < OUTPUT_MAX; *length += (size_t)got) {
        if (room - *length < 4096) {
            char *grown = realloc(text, room += 1 << 16);
            if (!grown)
                break;
            text = grown;
        }
        if (poll(&ready, 1, LIMIT_MILLISECONDS) <= 0)
            break;
        got = read(output, text + *length, room - *length);
        if (got <= 0)
            break;
    }
    return text;
}

static void add_frames(struct fp_stack *stack, const json_t *frames)
{
    size_t index;
    const json_t *each;
    json_array_foreach(frames, index, each)
    {
        const char *file = json_string_value(json_object_get(each, "filename"));
        const char *name = json_string_value(json_object_get(each, "name"));
        if (stack->python_count == FP_STACK_FRAMES)
            break;
        struct fp_python_frame *frame = &stack->python[stack->python_count++];
        size_t length = file ? strlen(file) : 0, room = sizeof frame->file - 1;
        snprintf(frame->file, sizeof frame->file, "%s",
                 file ? file + (length > room ? length - room : 0) : "");
        snprintf(frame->function, sizeof frame->function, "%s", name ? name : "");
        frame->line = (int)json_integer_value(json_object_get(each, "line"));
    }
}

/* The stack of a thread that Python knows by this number. Where C code forked, and told Python
   nothing (uwsgi), the main thread still has that of the parent's. */
static struct fp_stack *stack_of(const struct fp_stacks *stacks, const struct fp_view *view,
                                 pid_t number, pid_t parent)
{
    const struct fp_task *task = fp_view_own_task(view, number);
    if (!task && view->process.forked && number == parent)
        task = fp_view_task(view, view->process.pid);
    for (size_t i = 0; task && i < stacks->count; i++)
        if (stacks->stacks[i].tid == task->tid)
            return &stacks->stacks[i];
    return NULL;
}

static void take(struct fp_stacks *stacks, const struct fp_view *view, const json_t *threads)
{
    size_t index;
    const json_t *each;
    pid_t parent = fp_view_own_pid(view->process.parent);
    json_array_foreach(threads, index, each)
    {
        json_int_t number = json_integer_value(json_object_get(each, "os_thread_id"));
        const char *name = json_string_value(json_object_get(each, "thread_name"));
        struct fp_stack *stack = stack_of(stacks, view, (pid_t)number, parent);
        if (!stack || stack->python_count)
            continue;
        add_frames(stack, json_object_get(each, "frames"));
        snprintf(stack->python_name, sizeof stack->python_name, "%s", name ? name : "");
    }
}

bool fp_stacks_read_python(struct fp_stacks *stacks, const struct fp_view *view)
{
    int output = -1, status = 0;
    size_t length = 0;
    pid_t child = start(view->process.pid, &output);
    if (child < 0) {
        snprintf(stacks->problem, sizeof stacks->problem, "%s",
                 errno == ENOENT ? "Python stacks: py-spy is not installed (pip install py-spy)"
                                 : strerror(errno));
        return false;
    }
    char *text = read_output(output, &length);
    close(output);
    kill(child, SIGKILL); /* it has closed its output, or takes too long */
    waitpid(child, &status, 0);
    json_t *threads = text ? json_loadb(text, length, 0, NULL) : NULL;
    bool good = json_array_size(threads) > 0;
    if (good)
        take(stacks, view, threads);
    else
        snprintf(stacks->problem, sizeof stacks->problem,
                 "Python stacks: py-spy cannot read this process");
    json_decref(threads);
    free(text);
    return good;
}
