/* See needs.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/needs.h"

#include <stdlib.h>
#include <sys/syscall.h>

static bool is_read(const struct fp_task *task)
{
    return task->call == SYS_read || task->call == SYS_readv;
}

static bool is_write(const struct fp_task *task)
{
    return task->call == SYS_write || task->call == SYS_writev;
}

static bool is_child(const struct fp_task *task)
{
    return task->call == SYS_wait4 || task->call == SYS_waitid;
}

static void add(struct fp_needs *needs, pid_t pid, pid_t own)
{
    if (pid == own)
        needs->from_itself = true;
    else if (fp_needs_process(needs, pid))
        return;
    else if (needs->count < FP_NEEDS_MAX)
        needs->from[needs->count++] = pid;
    else
        needs->from_more = true;
}

static void add_children(struct fp_needs *needs, const struct fp_scene *scene, pid_t pid,
                         const struct fp_task *task)
{
    int wanted = (int)task->arguments[task->call == SYS_waitid ? 1 : 0];
    needs->need = FP_NEED_CHILD;
    for (size_t i = 0; i < scene->everybody.count; i++) {
        const struct fp_tree_process *child = &scene->everybody.processes[i];
        if (child->parent == pid && (wanted <= 0 || wanted == child->pid))
            add(needs, child->pid, pid);
    }
}

static bool descends(const struct fp_scene *scene, pid_t pid)
{
    const struct fp_tree_process *process;
    while ((process = fp_tree_find(&scene->everybody, pid))) {
        for (size_t i = 0; i < scene->count; i++)
            if (scene->waiters[i].view.process.pid == process->parent)
                return true;
        pid = process->parent;
    }
    return false;
}

/* Files are inherited, or sent within a session; those of a stranger do not matter. */
static bool is_of_the_job(const struct fp_scene *scene, pid_t pid, pid_t waiter)
{
    const struct fp_tree_process *one = fp_tree_find(&scene->everybody, pid),
                                 *other = fp_tree_find(&scene->everybody, waiter);
    return (one && other && one->session == other->session) || descends(scene, pid);
}

static bool may_be(const struct fp_scene *scene, const struct fp_pipe_end *end, unsigned long pipe,
                   pid_t waiter)
{
    return end->pipe == pipe ||
           (end->pipe == FP_PIPE_ANY && is_of_the_job(scene, end->pid, waiter));
}

static void add_ends(struct fp_needs *needs, const struct fp_scene *scene, pid_t pid,
                     unsigned long pipe)
{
    for (size_t i = 0; i < scene->pipes.count; i++) {
        const struct fp_pipe_end *end = &scene->pipes.ends[i];
        if ((needs->need == FP_NEED_READ ? end->writes : end->reads) &&
            may_be(scene, end, pipe, pid))
            add(needs, end->pid, pid);
    }
}

static enum fp_need lock_of(const struct fp_view *view, const struct fp_task *task)
{
    const struct fp_mapping *mapping = fp_view_mapping(view, task->arguments[0]);
    return mapping && !mapping->is_private ? FP_NEED_SHARED : FP_NEED_LOCK;
}

struct fp_needs fp_needs_of(const struct fp_scene *scene, const struct fp_waiter *waiter,
                            const struct fp_task *task)
{
    struct fp_needs needs = {.need = FP_NEED_OTHER};
    pid_t pid = waiter->view.process.pid;
    bool is_endless;
    unsigned long pipe = 0;
    if (task->call < 0 || task->state == 'R') {
        needs.need = FP_NEED_NOTHING;
    } else if (fp_task_in_futex(task, &is_endless)) {
        if (is_endless)
            needs.need = lock_of(&waiter->view, task);
    } else if (is_child(task)) {
        add_children(&needs, scene, pid, task);
    } else if ((is_read(task) || is_write(task)) &&
               (pipe = fp_pipe_of(pid, (int)task->arguments[0]))) {
        needs.need = is_read(task) ? FP_NEED_READ : FP_NEED_WRITE;
        add_ends(&needs, scene, pid, pipe);
    }
    return needs;
}

bool fp_needs_process(const struct fp_needs *needs, pid_t pid)
{
    for (size_t i = 0; i < needs->count; i++)
        if (needs->from[i] == pid)
            return true;
    return false;
}

static bool has_pipes(const struct fp_scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        for (size_t k = 0; k < scene->waiters[i].view.task_count; k++) {
            const struct fp_task *task = &scene->waiters[i].view.tasks[k];
            if (is_read(task) || is_write(task))
                return true;
        }
    return false;
}

void fp_scene_complete(struct fp_scene *scene)
{
    fp_tree_read(&scene->everybody, 0);
    if (has_pipes(scene))
        fp_pipes_read(&scene->pipes, &scene->everybody);
}

void fp_scene_free(struct fp_scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        fp_view_free(&scene->waiters[i].view);
    free(scene->waiters);
    fp_pipes_free(&scene->pipes);
    fp_tree_free(&scene->everybody);
    *scene = (struct fp_scene){0};
}
