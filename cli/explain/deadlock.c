/* See deadlock.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/deadlock.h"

#include "cli/explain/facts.h"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct fp_waiter *find(const struct fp_scene *scene, pid_t pid)
{
    for (size_t i = 0; i < scene->count; i++)
        if (scene->waiters[i].view.process.pid == pid)
            return &scene->waiters[i];
    return NULL;
}

static bool are_all_stuck(const struct fp_scene *scene, const struct fp_needs *needs)
{
    for (size_t i = 0; i < needs->count; i++) {
        const struct fp_waiter *other = find(scene, needs->from[i]);
        if (!other || !other->is_stuck)
            return false;
    }
    return !needs->from_more;
}

/* Who has children at work may wait to be ended, or for a signal of theirs. */
static bool has_working_child(const struct fp_scene *scene, pid_t pid)
{
    for (size_t i = 0; i < scene->everybody.count; i++) {
        const struct fp_tree_process *child = &scene->everybody.processes[i];
        const struct fp_waiter *known = child->parent == pid ? find(scene, child->pid) : NULL;
        if (child->parent == pid && (!known || !known->is_stuck))
            return true;
    }
    return false;
}

/* Only processes that are stuck could wake the thread. A pipe without another end is no hang: its
   reader is about to see the end of the file. */
static bool waits_in_vain(const struct fp_scene *scene, const struct fp_waiter *waiter,
                          const struct fp_task *task)
{
    struct fp_needs needs = fp_needs_of(scene, waiter, task);
    bool on_itself = needs.need == FP_NEED_LOCK || !needs.count;
    if (on_itself && !scene->is_over && has_working_child(scene, waiter->view.process.pid))
        return false;
    switch (needs.need) {
    case FP_NEED_LOCK:
        return fp_task_sleeps_for_ever(&waiter->view, task);
    case FP_NEED_CHILD:
        return task->state == 'S' && needs.count && are_all_stuck(scene, &needs);
    case FP_NEED_READ:
    case FP_NEED_WRITE:
        return task->state == 'S' && (needs.count || needs.from_itself) &&
               are_all_stuck(scene, &needs);
    default:
        return false;
    }
}

static bool is_in_vain(const struct fp_scene *scene, const struct fp_waiter *waiter)
{
    for (size_t i = 0; i < waiter->view.task_count; i++)
        if (!waits_in_vain(scene, waiter, &waiter->view.tasks[i]))
            return false;
    return waiter->view.task_count > 0;
}

/* clone() gives memory, and the locks in it, to processes that are no threads, too. */
static bool shares_memory(const struct fp_scene *scene, pid_t pid)
{
    for (size_t i = 0; i < scene->everybody.count; i++) {
        pid_t other = scene->everybody.processes[i].pid;
        if (other != pid && syscall(SYS_kcmp, pid, other, KCMP_VM, 0, 0) == 0)
            return true;
    }
    return false;
}

/* By what no thread of the job shows. */
static bool may_be_woken(const struct fp_scene *scene, const struct fp_waiter *waiter)
{
    const struct fp_view *view = &waiter->view;
    return view->has_ring || !view->may_trace || fp_facts_has_handler(view) ||
           shares_memory(scene, view->process.pid);
}

static bool may_rest(const struct fp_waiter *waiter)
{
    const struct fp_view *view = &waiter->view;
    const struct fp_task *main_thread = fp_view_task(view, view->process.pid);
    const struct fp_stack *stack = fp_stacks_of(waiter->stacks, view->process.pid);
    return fp_facts_waker(view) > FP_WAKER_INTERRUPT ||
           (main_thread && fp_task_sleeps_for_ever(view, main_thread) &&
            fp_facts_parked(view, stack, waiter->stacks->has_python));
}

/* Until nobody is left over who waits for one that is not stuck. */
static bool leave_out(struct fp_scene *scene)
{
    bool any = false;
    for (size_t i = 0; i < scene->count; i++) {
        struct fp_waiter *waiter = &scene->waiters[i];
        if (waiter->is_stuck && !is_in_vain(scene, waiter)) {
            waiter->is_stuck = false;
            any = true;
        }
    }
    return any;
}

/* All were looked at before the first is looked at again: who rested in between did so at one
   moment with the others. */
static bool leave_out_awake(struct fp_scene *scene)
{
    bool any = false;
    for (size_t i = 0; i < scene->count; i++) {
        struct fp_waiter *waiter = &scene->waiters[i];
        if (waiter->is_stuck && !fp_view_rests(&waiter->view)) {
            waiter->is_stuck = false;
            any = true;
        }
    }
    return any;
}

void fp_deadlock_find(struct fp_scene *scene)
{
    for (size_t i = 0; i < scene->count; i++) {
        struct fp_waiter *waiter = &scene->waiters[i];
        waiter->is_stuck = !may_be_woken(scene, waiter) && (scene->is_over || !may_rest(waiter));
    }
    while (leave_out(scene))
        ;
    if (leave_out_awake(scene))
        while (leave_out(scene))
            ;
}
