/*
 * The story of a fork: look, decide, say, fork, and in the child forget who is gone.
 *
 * A process that never had a second thread takes the short way and makes no system call of ours.
 * Runs on the forking thread, between any two instructions of the others: nothing here or below
 * takes a lock, allocates, or uses stdio.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/fork/fork.h"

#include "shim/base/own_stack.h"
#include "shim/base/self.h"
#include "shim/carry/carry.h"
#include "shim/fork/child.h"
#include "shim/fork/children.h"
#include "shim/fork/fork_context.h"
#include "shim/fork/inherit.h"
#include "shim/fork/registered.h"
#include "shim/libraries/loader_list.h"
#include "shim/threads/here.h"
#include "shim/threads/origin.h"

#include <errno.h>

/* In the child, what is done by our atfork handler is done again: not every fork runs handlers. */
static pid_t fork_now(fp_real_fork *real, void *context)
{
    bool begun = fp_list_fork_begin();
    pid_t child = real(context);
    if (child == 0) {
        fp_child_enter();
        if (!fp_carry_start())
            fp_child_lose_carried();
    } else {
        fp_list_fork_end(begun);
    }
    return child;
}

/* A signal handler that forks now carries nothing. */
static void back_in_parent(pid_t child)
{
    struct fp_work work = fp_work_begin();
    fp_carry_go_on();
    if (child > 0)
        fp_children_note(child, fp_child_keeps);
    fp_carry_parent(child);
    fp_work_end(work);
}

/* The atfork handler finds that a hook has seen this fork. */
static pid_t seen_fork_now(fp_real_fork *real, void *context)
{
    fp_self.forking++;
    pid_t child = fork_now(real, context);
    fp_self.forking--;
    if (child)
        back_in_parent(child);
    if (child && !fp_self.forking)
        fp_origin_watch(false); /* the next fork may be another's */
    return child;
}

struct call {
    const char *name;
    const void *caller;
    fp_real_fork *real;
    void *context;
    bool watches;
    bool carries; /* libc does all that it does at a fork */
};

/* Looks and says; false where nothing is lost that matters. */
static bool tell_fork(struct fp_fork_context *at_fork, const struct call *call)
{
    struct fp_work work = fp_work_begin();
    bool tells = fp_look_and_decide(at_fork, call->name, call->caller);
    if (tells)
        fp_report_say(at_fork);
    if (tells && at_fork->verdict.refuse)
        fp_report_record(at_fork, 0);
    else if (tells && call->watches &&
             fp_prepare_child(call->name, &at_fork->place, at_fork->snapshot.threads) &&
             call->carries)
        fp_carry_prepare();
    fp_work_end(work);
    return tells;
}

static pid_t tell_and_fork(struct fp_fork_context *at_fork, const struct call *call)
{
    bool tells = tell_fork(at_fork, call);
    if (tells && at_fork->verdict.refuse) {
        errno = ENOTSUP; /* not EAGAIN: bash would retry for 15 seconds */
        return -1;
    }
    pid_t child = seen_fork_now(call->real, call->context);
    if (tells && child > 0) {
        struct fp_work work = fp_work_begin();
        fp_report_record(at_fork, child);
        fp_work_end(work);
    }
    return child;
}

/* The context is 14 KiB: not on the caller's stack. Where there is no memory for it nothing is
   said, and the fork will most likely fail. */
static pid_t told_fork(const struct call *call)
{
    struct fp_fork_context *at_fork = fp_stack_memory_take();
    if (!at_fork)
        return seen_fork_now(call->real, call->context);
    pid_t child = tell_and_fork(at_fork, call);
    fp_stack_memory_give(at_fork);
    return child;
}

static void carry_silently(void)
{
    struct fp_work work = fp_work_begin();
    fp_carry_prepare();
    fp_work_end(work);
}

static pid_t silent_fork(const struct call *call)
{
    if (!call->watches && !fp_here())
        return fork_now(call->real, call->context); /* most forks write nothing */
    if (!call->watches) /* our handler would ask again, and take libc for the place */
        return seen_fork_now(call->real, call->context);
    if (fp_prepare_silently(call->name, call->caller) && call->carries)
        carry_silently();
    return seen_fork_now(call->real, call->context);
}

static pid_t fork_as_foreseen(struct call *call)
{
    fp_inherit_begin(call->caller);
    struct fp_outlook outlook = fp_look_ahead();
    call->watches = outlook.watches;
    pid_t child = outlook.tells ? told_fork(call) : silent_fork(call);
    if (child)
        fp_inherit_end();
    return child;
}

pid_t fp_fork_story(const char *name, const void *caller, fp_real_fork *real, void *context)
{
    struct call call = {name, caller, real, context, .carries = false};
    struct fp_place *place = fp_place_begin(caller);
    pid_t child = fork_as_foreseen(&call);
    fp_place_end(place);
    return child;
}

static pid_t handled_fork(struct call *call)
{
    if (!fp_registered_prepare()) {
        errno = ENOTSUP;
        return -1;
    }
    pid_t child = fork_as_foreseen(call);
    if (child > 0)
        fp_registered_parent();
    else if (child < 0)
        fp_registered_failed();
    return child;
}

pid_t fp_fork_handled(const char *name, const void *caller, fp_real_fork *real, void *context)
{
    struct call call = {name, caller, real, context, .carries = true};
    struct fp_place *place = fp_place_begin(caller);
    pid_t child = handled_fork(&call);
    fp_place_end(place);
    return child;
}
