/* See remedy.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/remedy.h"

#include "policy/site.h"

#include <string.h>

static const struct {
    const char *file, *function, *words;
} FIXES[] = {
#define FP_FIX(file, function, words) {file, function, words},
#include "cli/explain/fixes.def"
#undef FP_FIX
};

/* Python 3.11 and later qualify the names of functions. */
static const char *name_of(const char *function)
{
    const char *at = strrchr(function, '.');
    return at ? at + 1 : function;
}

static const char *fix_of(const struct fp_stack *stack)
{
    for (size_t i = 0; stack && i < stack->python_count; i++) {
        const struct fp_python_frame *frame = &stack->python[i];
        if (fp_code_of(frame->file) == FP_CODE_USER)
            return NULL;
        /* A queue waits by a condition of its own, and says more. */
        for (size_t k = 0; k < sizeof FIXES / sizeof *FIXES; k++)
            if (strcmp(fp_basename(frame->file), FIXES[k].file) == 0 &&
                strcmp(name_of(frame->function), FIXES[k].function) == 0 &&
                (i + 1 == stack->python_count ||
                 fp_code_of(stack->python[i + 1].file) == FP_CODE_USER))
                return FIXES[k].words;
    }
    return NULL;
}

static bool is_in(const struct fp_stack *stack, const char *part)
{
    for (size_t i = 0; i < stack->native_count && i < FP_STACK_CALL; i++)
        if (strstr(stack->native[i].symbol, part))
            return true;
    return false;
}

/* Not for a thread, a queue or a condition: it waits in Python code of the user's, or in C code as
   far as is known. */
static bool takes_lock(const struct fp_stack *stack)
{
    if (!stack || stack->python_count)
        return stack && fp_code_of(stack->python[0].file) == FP_CODE_USER;
    return !is_in(stack, "cond_wait") && !is_in(stack, "join") && !is_in(stack, "barrier");
}

static const char *fix_of_process(const struct fp_waiter *waiter)
{
    size_t taking = 0;
    const struct fp_view *view = &waiter->view;
    const char *fix = fix_of(fp_stacks_of(waiter->stacks, view->process.pid));
    for (size_t i = 0; i < view->task_count; i++) {
        const struct fp_stack *stack = fp_stacks_of(waiter->stacks, view->tasks[i].tid);
        fix = fix ? fix : fix_of(stack);
        taking += takes_lock(stack);
    }
    if (taking > 1)
        return "take the locks in the same order in every thread";
    return fix;
}

static bool needs(const struct fp_scene *scene, const struct fp_waiter *waiter, pid_t pid,
                  enum fp_need need)
{
    for (size_t i = 0; i < waiter->view.task_count; i++) {
        struct fp_needs found = fp_needs_of(scene, waiter, &waiter->view.tasks[i]);
        if (fp_needs_process(&found, pid) && (need == FP_NEED_NOTHING || found.need == need))
            return true;
    }
    return false;
}

static bool find_pair(struct fp_waits *waits, const struct fp_scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        for (size_t k = 0; k < scene->count; k++) {
            const struct fp_waiter *one = &scene->waiters[i], *other = &scene->waiters[k];
            pid_t first = one->view.process.pid, second = other->view.process.pid;
            if (i == k || !one->is_stuck || !other->is_stuck ||
                !needs(scene, one, second, FP_NEED_NOTHING) ||
                !needs(scene, other, first, FP_NEED_NOTHING))
                continue;
            snprintf(waits->what, sizeof waits->what, "pid %d and pid %d wait for each other",
                     (int)first, (int)second);
            waits->pid = first;
            if (needs(scene, one, second, FP_NEED_CHILD) &&
                needs(scene, other, first, FP_NEED_WRITE))
                waits->fix = "read from the pipe (or multiprocessing.Queue) before join() or "
                             "wait(), not after it";
            return true;
        }
    return false;
}

/* All of its threads wait for its own locks. */
static bool is_locked(const struct fp_scene *scene, const struct fp_waiter *waiter)
{
    for (size_t i = 0; i < waiter->view.task_count; i++)
        if (fp_needs_of(scene, waiter, &waiter->view.tasks[i]).need != FP_NEED_LOCK)
            return false;
    return waiter->is_stuck;
}

static bool find_locked(struct fp_waits *waits, const struct fp_scene *scene)
{
    for (size_t i = 0; i < scene->count; i++) {
        const struct fp_waiter *waiter = &scene->waiters[i];
        size_t threads = waiter->view.task_count;
        if (!is_locked(scene, waiter))
            continue;
        waits->pid = waiter->view.process.pid;
        waits->fix = fix_of_process(waiter);
        if (threads > 1)
            snprintf(waits->what, sizeof waits->what,
                     "a deadlock: all %zu threads of pid %d wait for locks", threads,
                     (int)waits->pid);
        else
            snprintf(waits->what, sizeof waits->what,
                     "a deadlock: the only thread of pid %d waits for a lock", (int)waits->pid);
        return true;
    }
    return false;
}

static bool is_own_pipe(const struct fp_needs *needs)
{
    return (needs->need == FP_NEED_READ || needs->need == FP_NEED_WRITE) && !needs->count;
}

static bool find_own_pipe(struct fp_waits *waits, const struct fp_scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        for (size_t k = 0; k < scene->waiters[i].view.task_count; k++) {
            const struct fp_waiter *waiter = &scene->waiters[i];
            struct fp_needs needs = fp_needs_of(scene, waiter, &waiter->view.tasks[k]);
            if (!waiter->is_stuck || !is_own_pipe(&needs))
                continue;
            waits->pid = waiter->view.process.pid;
            snprintf(waits->what, sizeof waits->what,
                     "pid %d waits for itself: no other process has the pipe's other end",
                     (int)waits->pid);
            waits->fix = "close the end of the pipe that this process does not use";
            return true;
        }
    return false;
}

/* Of three or more. */
static bool find_circle(struct fp_waits *waits, const struct fp_scene *scene)
{
    size_t count = 0;
    for (size_t i = scene->count; i-- > 0;)
        if (scene->waiters[i].is_stuck) {
            count++;
            waits->pid = scene->waiters[i].view.process.pid;
        }
    if (count)
        snprintf(waits->what, sizeof waits->what, "%zu processes wait for each other", count);
    return count > 0;
}

bool fp_remedy_find(struct fp_waits *waits, const struct fp_scene *scene)
{
    return find_pair(waits, scene) || find_locked(waits, scene) || find_own_pipe(waits, scene) ||
           find_circle(waits, scene);
}
