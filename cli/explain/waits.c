/* See waits.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/waits.h"

#include "cli/explain/deadlock.h"
#include "cli/explain/facts.h"
#include "cli/explain/remedy.h"
#include "policy/site.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE_SHOWN = 300 };

/* "pid 7", "pid 7, 8" */
static void add_pids(struct fp_text *text, const struct fp_needs *needs)
{
    for (size_t i = 0; i < needs->count; i++)
        fp_text_format(text, "%s%d", i ? ", " : "pid ", (int)needs->from[i]);
}

static void add_pipe(struct fp_text *text, const struct fp_needs *needs)
{
    bool writes = needs->need == FP_NEED_WRITE;
    fp_text_format(text, writes ? "writes to a full pipe, which " : "reads an empty pipe, which ");
    if (needs->count)
        add_pids(text, needs);
    else
        fp_text_format(text, needs->from_itself ? "only this process" : "no process");
    fp_text_format(text, writes ? " could read" : " could fill");
}

/* glibc's mutexes name their owner. */
static void add_owner(struct fp_text *text, const struct fp_view *view, const struct fp_task *task)
{
    const struct fp_task *owner = fp_view_own_task(view, fp_facts_owner(view, task));
    if (owner && owner != task)
        fp_text_format(text, " that thread %d holds", (int)owner->tid);
    else if (owner)
        fp_text_format(text, " that the thread itself holds");
}

static void add_lock(struct fp_text *text, const struct fp_view *view, const struct fp_task *task,
                     const struct fp_stack *stack)
{
    const char *what = "a lock or a condition";
    bool is_mutex = false;
    for (size_t i = 0; stack && i < stack->native_count && i < FP_STACK_CALL; i++) {
        const char *symbol = stack->native[i].symbol;
        is_mutex = strstr(symbol, "mutex_lock");
        if (strstr(symbol, "join"))
            what = "the end of another thread";
        else if (strstr(symbol, "Thread_acquire_lock"))
            what = "a Python lock";
        else if (is_mutex)
            what = "a mutex";
        else
            continue;
        break;
    }
    fp_text_format(text, "waits for %s", what);
    if (is_mutex)
        add_owner(text, view, task);
}

static const struct fp_python_frame *user_frame(const struct fp_stack *stack)
{
    for (size_t i = 0; stack && i < stack->python_count; i++)
        if (fp_code_of(stack->python[i].file) == FP_CODE_USER)
            return &stack->python[i];
    return NULL;
}

static void add_place(struct fp_text *text, const struct fp_stack *stack)
{
    const struct fp_python_frame *frame = user_frame(stack);
    if (!frame)
        return;
    fp_text_format(text, ", at ");
    fp_text_quote(text, fp_slice_of(frame->file), LINE_SHOWN);
    fp_text_format(text, ":%d in ", frame->line);
    fp_text_quote(text, fp_slice_of(frame->function), 64);
}

static void add_thread(struct fp_text *text, const struct fp_view *view, const struct fp_task *task)
{
    if (task->tid == view->process.pid) {
        fp_text_format(text, "pid     %d (", (int)task->tid);
        fp_text_quote(text, fp_slice_of(view->program), 100);
        fp_text_format(text, "): ");
    } else {
        fp_text_format(text, "thread  %d of pid %d: ", (int)task->tid, (int)view->process.pid);
    }
}

static void describe(struct fp_text *text, const struct fp_waiter *waiter,
                     const struct fp_task *task, const struct fp_needs *needs)
{
    const struct fp_stack *stack = fp_stacks_of(waiter->stacks, task->tid);
    add_thread(text, &waiter->view, task);
    switch (needs->need) {
    case FP_NEED_LOCK:
    case FP_NEED_SHARED:
        add_lock(text, &waiter->view, task, stack);
        break;
    case FP_NEED_CHILD:
        fp_text_format(text, "waits for the end of a child: ");
        add_pids(text, needs);
        break;
    case FP_NEED_READ:
    case FP_NEED_WRITE:
        add_pipe(text, needs);
        break;
    case FP_NEED_NOTHING:
        fp_text_format(text, "runs");
        break;
    case FP_NEED_OTHER:
        fp_text_format(text, "waits in %s", fp_task_call(&waiter->view, task));
        break;
    }
    add_place(text, stack);
}

/* Whether a thread that is not the main one tells something: a line of the user's, or a pipe. */
static bool tells(const struct fp_waiter *waiter, const struct fp_task *task, enum fp_need need)
{
    return task->tid == waiter->view.process.pid || need == FP_NEED_READ || need == FP_NEED_WRITE ||
           user_frame(fp_stacks_of(waiter->stacks, task->tid));
}

static void add_lines(struct fp_waits *waits, const struct fp_scene *scene,
                      const struct fp_waiter *waiter)
{
    for (size_t i = 0; i < waiter->view.task_count; i++) {
        const struct fp_task *task = &waiter->view.tasks[i];
        struct fp_needs needs = fp_needs_of(scene, waiter, task);
        if (!tells(waiter, task, needs.need))
            continue;
        if (waits->count == FP_WAITS_LINES) {
            waits->omitted++;
            continue;
        }
        char *line = waits->lines[waits->count++];
        struct fp_text text = {.data = line, .size = sizeof *waits->lines};
        describe(&text, waiter, task, &needs);
    }
}

static void look(struct fp_waits *waits, const struct fp_looked_at *processes, size_t count,
                 bool is_over)
{
    char why[256];
    struct fp_scene scene = {.waiters = calloc(count, sizeof *scene.waiters), .is_over = is_over};
    *waits = (struct fp_waits){.what = "it had not finished"};
    for (size_t i = 0; scene.waiters && i < count; i++) {
        struct fp_waiter *waiter = &scene.waiters[scene.count];
        waiter->stacks = processes[i].stacks;
        if (fp_view_read(&waiter->view, processes[i].pid, why, sizeof why))
            scene.count++;
    }
    fp_scene_complete(&scene);
    fp_deadlock_find(&scene);
    waits->is_deadlock = fp_remedy_find(waits, &scene);
    for (size_t i = 0; i < scene.count; i++)
        if (is_over || scene.waiters[i].is_stuck)
            add_lines(waits, &scene, &scene.waiters[i]);
    fp_scene_free(&scene);
}

void fp_waits_find(struct fp_waits *waits, const struct fp_looked_at *processes, size_t count,
                   bool is_over)
{
    static const long PAUSES[] = {10, 100}; /* milliseconds; the threads come back to their waits */
    waits->is_deadlock = false;
    for (size_t i = 0; i < sizeof PAUSES / sizeof *PAUSES && !waits->is_deadlock; i++) {
        nanosleep(&(struct timespec){0, PAUSES[i] * 1000000}, NULL);
        look(waits, processes, count, is_over);
    }
}

static bool read_stacks(struct fp_stacks *stacks, struct fp_view *view, pid_t pid)
{
    char why[256];
    if (!fp_view_read(view, pid, why, sizeof why))
        return false;
    fp_stacks_read(stacks, view);
    return true;
}

void fp_waits_read(struct fp_waits *waits, const struct fp_tree *tree)
{
    struct fp_looked_at *processes = calloc(tree->count, sizeof *processes);
    struct fp_stacks *stacks = calloc(tree->count, sizeof *stacks);
    struct fp_view *views =
        calloc(tree->count, sizeof *views); /* the stacks name their libraries */
    size_t count = 0;
    for (size_t i = 0; processes && stacks && views && i < tree->count; i++) {
        if (!read_stacks(&stacks[count], &views[count], tree->processes[i].pid))
            continue;
        processes[count] = (struct fp_looked_at){tree->processes[i].pid, &stacks[count]};
        count++;
    }
    fp_waits_find(waits, processes, count, true);
    for (size_t i = 0; i < count; i++) {
        fp_stacks_free(&stacks[i]);
        fp_view_free(&views[i]);
    }
    free(processes);
    free(stacks);
    free(views);
}
