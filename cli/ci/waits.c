/* See waits.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/waits.h"

#include "cli/ci/pipes.h"
#include "cli/explain/stacks.h"
#include "policy/site.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum { EDGES_MAX = 32, LINE_SHOWN = 300 };

enum kind { AWAKE, LOCK, CHILD, READS, WRITES, OTHER };

/* One process of the job. */
struct waiter {
    struct fp_view view;
    struct fp_stacks stacks;
    pid_t edges[EDGES_MAX]; /* the processes that it waits for */
    size_t edge_count;
    size_t locked; /* threads that wait for a lock, without a time limit */
    bool writes, waits_for_child;
};

struct scene {
    const struct fp_tree *tree;
    struct waiter *waiters;
    size_t count;
    struct fp_waits *waits;
};

static void add_edge(struct waiter *waiter, pid_t pid)
{
    if (waiter->edge_count < EDGES_MAX && pid != waiter->view.process.pid)
        waiter->edges[waiter->edge_count++] = pid;
}

static bool waits_for(const struct waiter *waiter, pid_t pid)
{
    for (size_t i = 0; i < waiter->edge_count; i++)
        if (waiter->edges[i] == pid)
            return true;
    return false;
}

static enum kind kind_of(const struct fp_view *view, const struct fp_task *task)
{
    bool is_endless;
    if (task->call < 0 || task->state == 'R')
        return AWAKE;
    if (fp_task_in_futex(task, &is_endless))
        return is_endless ? LOCK : OTHER;
    if (task->call == SYS_wait4 || task->call == SYS_waitid)
        return CHILD;
    bool reads = task->call == SYS_read || task->call == SYS_readv;
    bool writes = task->call == SYS_write || task->call == SYS_writev;
    if ((reads || writes) && fp_pipe_of(view->process.pid, (int)task->arguments[0]))
        return reads ? READS : WRITES;
    return OTHER;
}

/* "pid 7", "pid 7, 8"; only of what was added since `before`. */
static void add_pids(struct fp_text *text, const struct waiter *waiter, size_t before)
{
    for (size_t i = before; i < waiter->edge_count; i++)
        fp_text_format(text, "%s%d", i > before ? ", " : "pid ", (int)waiter->edges[i]);
}

static void add_child(struct fp_text *text, struct waiter *waiter, const struct scene *scene,
                      const struct fp_task *task)
{
    size_t before = waiter->edge_count;
    int wanted = (int)task->arguments[task->call == SYS_waitid ? 1 : 0];
    for (size_t i = 0; i < scene->tree->count; i++) {
        const struct fp_tree_process *child = &scene->tree->processes[i];
        if (child->parent == waiter->view.process.pid && (wanted <= 0 || wanted == child->pid))
            add_edge(waiter, child->pid);
    }
    waiter->waits_for_child = true;
    fp_text_format(text, "waits for the end of a child: ");
    add_pids(text, waiter, before);
}

static void add_pipe(struct fp_text *text, struct waiter *waiter, const struct scene *scene,
                     const struct fp_task *task, bool writes)
{
    size_t before = waiter->edge_count;
    bool own = false;
    unsigned long pipe = fp_pipe_of(waiter->view.process.pid, (int)task->arguments[0]);
    for (size_t i = 0; i < scene->tree->count; i++) {
        pid_t pid = scene->tree->processes[i].pid;
        if (!fp_pipe_has_end(pid, pipe, !writes))
            continue;
        own |= pid == waiter->view.process.pid;
        add_edge(waiter, pid);
    }
    waiter->writes |= writes;
    fp_text_format(text, writes ? "writes to a full pipe, which " : "reads an empty pipe, which ");
    if (waiter->edge_count > before)
        add_pids(text, waiter, before);
    else
        fp_text_format(text, own ? "only this process" : "no process of the job");
    fp_text_format(text, writes ? " could read" : " could fill");
}

static void add_lock(struct fp_text *text, struct waiter *waiter, const struct fp_stack *stack)
{
    const char *what = "a lock or a condition";
    for (size_t i = 0; stack && i < stack->native_count && i < 6; i++) {
        const char *symbol = stack->native[i].symbol;
        if (strstr(symbol, "join"))
            what = "the end of another thread";
        else if (strstr(symbol, "Thread_acquire_lock"))
            what = "a Python lock";
        else if (strstr(symbol, "mutex_lock"))
            what = "a mutex";
        else
            continue;
        break;
    }
    waiter->locked++;
    fp_text_format(text, "waits for %s", what);
}

static void add_place(struct fp_text *text, const struct fp_stack *stack)
{
    for (size_t i = 0; stack && i < stack->python_count; i++) {
        if (fp_code_of(stack->python[i].file) != FP_CODE_USER)
            continue;
        fp_text_format(text, ", at ");
        fp_text_quote(text, fp_slice_of(stack->python[i].file), LINE_SHOWN);
        fp_text_format(text, ":%d in ", stack->python[i].line);
        fp_text_quote(text, fp_slice_of(stack->python[i].function), 64);
        return;
    }
}

static void describe(struct fp_text *text, struct waiter *waiter, const struct scene *scene,
                     const struct fp_task *task)
{
    const struct fp_stack *stack = fp_stacks_of(&waiter->stacks, task->tid);
    enum kind kind = kind_of(&waiter->view, task);
    if (task->tid == waiter->view.process.pid) {
        fp_text_format(text, "pid     %d (", (int)task->tid);
        fp_text_quote(text, fp_slice_of(waiter->view.program), 100);
        fp_text_format(text, "): ");
    } else {
        fp_text_format(text, "thread  %d of pid %d: ", (int)task->tid,
                       (int)waiter->view.process.pid);
    }
    if (kind == LOCK)
        add_lock(text, waiter, stack);
    else if (kind == CHILD)
        add_child(text, waiter, scene, task);
    else if (kind == READS || kind == WRITES)
        add_pipe(text, waiter, scene, task, kind == WRITES);
    else if (kind == AWAKE)
        fp_text_format(text, "runs");
    else
        fp_text_format(text, "waits in %s", fp_task_call(&waiter->view, task));
    add_place(text, stack);
}

/* Whether a thread that is not the main one tells something: a line of the user's, or a pipe. */
static bool tells(const struct waiter *waiter, const struct fp_task *task)
{
    const struct fp_stack *stack = fp_stacks_of(&waiter->stacks, task->tid);
    enum kind kind = kind_of(&waiter->view, task);
    if (task->tid == waiter->view.process.pid || kind == READS || kind == WRITES)
        return true;
    for (size_t i = 0; stack && i < stack->python_count; i++)
        if (fp_code_of(stack->python[i].file) == FP_CODE_USER)
            return true;
    return false;
}

static void add_lines(struct scene *scene, struct waiter *waiter)
{
    struct fp_waits *waits = scene->waits;
    for (size_t i = 0; i < waiter->view.task_count; i++) {
        char line[sizeof *waits->lines];
        struct fp_text text = FP_TEXT(line);
        const struct fp_task *task = &waiter->view.tasks[i];
        describe(&text, waiter, scene, task);
        if (!tells(waiter, task))
            continue;
        if (waits->count < FP_WAITS_LINES)
            memcpy(waits->lines[waits->count++], line, sizeof line);
        else
            waits->omitted++;
    }
}

/* Two processes, each of which waits for the other. */
static bool find_pair(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        for (size_t j = 0; j < scene->count; j++) {
            struct waiter *a = &scene->waiters[i], *b = &scene->waiters[j];
            pid_t first = a->view.process.pid, second = b->view.process.pid;
            if (i == j || !waits_for(a, second) || !waits_for(b, first))
                continue;
            snprintf(scene->waits->what, sizeof scene->waits->what,
                     "pid %d and pid %d wait for each other", (int)first, (int)second);
            if (a->waits_for_child && b->writes)
                scene->waits->fix = "read from the pipe (or multiprocessing.Queue) before join() "
                                    "or wait(), not after it";
            return true;
        }
    return false;
}

/* A process all of whose threads wait for locks. */
static bool find_locked(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++) {
        const struct waiter *waiter = &scene->waiters[i];
        size_t threads = waiter->view.task_count;
        if (!threads || waiter->locked < threads || !waiter->view.rests)
            continue;
        if (threads > 1)
            snprintf(scene->waits->what, sizeof scene->waits->what,
                     "a deadlock: all %zu threads of pid %d wait for locks", threads,
                     (int)waiter->view.process.pid);
        else
            snprintf(scene->waits->what, sizeof scene->waits->what,
                     "a deadlock: the only thread of pid %d waits for a lock",
                     (int)waiter->view.process.pid);
        if (threads > 1)
            scene->waits->fix = "take the locks in the same order in every thread";
        return true;
    }
    return false;
}

static void find_what(struct scene *scene)
{
    if (find_pair(scene) || find_locked(scene))
        return;
    snprintf(scene->waits->what, sizeof scene->waits->what, "it had not finished");
}

static bool take(struct waiter *waiter, pid_t pid)
{
    char why[256];
    if (!fp_view_read(&waiter->view, pid, why, sizeof why))
        return false;
    fp_stacks_read(&waiter->stacks, &waiter->view);
    return true;
}

void fp_waits_read(struct fp_waits *waits, const struct fp_tree *tree)
{
    struct scene scene = {.tree = tree, .waits = waits};
    *waits = (struct fp_waits){.fix = NULL};
    scene.waiters = calloc(tree->count, sizeof *scene.waiters);
    for (size_t i = 0; scene.waiters && i < tree->count; i++)
        scene.count += take(&scene.waiters[scene.count], tree->processes[i].pid);
    for (size_t i = 0; i < scene.count; i++)
        add_lines(&scene, &scene.waiters[i]);
    find_what(&scene);
    for (size_t i = 0; i < scene.count; i++) {
        fp_stacks_free(&scene.waiters[i].stacks);
        fp_view_free(&scene.waiters[i].view);
    }
    free(scene.waiters);
}
