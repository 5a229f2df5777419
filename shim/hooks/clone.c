/*
 * The hook around clone. What it starts is a thread (which gets no slot: the census finds it), a
 * child that runs on the parent's memory (left alone: nothing of ours may touch that), or a forked
 * child (the story).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/self.h"
#include "shim/fork/child.h"
#include "shim/fork/fork.h"
#include "shim/hang/memory.h"
#include "shim/hooks/init.h"
#include "shim/hooks/real.h"
#include "shim/threads/table.h"

#include <sched.h>
#include <stdarg.h>

struct clone_call {
    int (*routine)(void *);
    void *stack, *argument;
    int flags;
    pid_t *parent_tid, *child_tid;
    void *tls;
    int forking;
};

/* In the child, on a copy of the caller's memory: the call block there is the child's own. */
static int run_child(void *context)
{
    const struct clone_call *call = context;
    fp_self.forking = call->forking;
    fp_child_enter();
    return call->routine(call->argument);
}

static pid_t pass_on(const struct clone_call *call)
{
    return fp_real.clone(call->routine, call->stack, call->flags, call->argument, call->parent_tid,
                         call->tls, call->child_tid);
}

static pid_t real_clone(void *context)
{
    const struct clone_call *call = context;
    if (call->flags & CLONE_SETTLS || !call->routine || !call->stack)
        return pass_on(call); /* thread-local data of ours is not there, or libc says EINVAL */
    return fp_real.clone(run_child, call->stack, call->flags, (void *)call, call->parent_tid,
                         call->tls, call->child_tid);
}

int clone(int (*routine)(void *), void *stack, int flags, void *argument, ...)
{
    struct clone_call call = {.routine = routine,
                              .stack = stack,
                              .argument = argument,
                              .flags = flags,
                              .forking = fp_self.forking};
    va_list optional;
    /* Only the arguments that the flags name are there to be read. */
    va_start(optional, argument);
    if (flags & (CLONE_PARENT_SETTID | CLONE_PIDFD | CLONE_SETTLS | CLONE_CHILD_SETTID |
                 CLONE_CHILD_CLEARTID))
        call.parent_tid = va_arg(optional, pid_t *);
    if (flags & (CLONE_SETTLS | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
        call.tls = va_arg(optional, void *);
    if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
        call.child_tid = va_arg(optional, pid_t *);
    va_end(optional);
    if (!fp_ready() && !fp_real.clone)
        fp_real_resolve(FP_OPTIONAL);
    if (flags & CLONE_THREAD)
        fp_table_note_bypass();
    else if (flags & CLONE_VM && !(flags & CLONE_VFORK))
        fp_memory_note_sharer();
    if (flags & (CLONE_THREAD | CLONE_VM))
        return pass_on(&call);
    return fp_fork_story(&(struct fp_fork_call){.name = "clone",
                                                .caller = __builtin_return_address(0),
                                                .real = real_clone,
                                                .context = &call});
}
