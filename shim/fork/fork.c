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
#include "shim/fork/fork_context.h"
#include "shim/fork/inherit.h"
#include "shim/fork/parent.h"
#include "shim/fork/registered.h"
#include "shim/libraries/loader_list.h"
#include "shim/threads/here.h"

#include <errno.h>

static pid_t fork_now(const struct fp_fork_call *call)
{
    bool begun = fp_list_fork_begin();
    pid_t child = call->real(call->context);
    if (child)
        fp_list_fork_end(begun);
    else
        fp_child_go_on();
    return child;
}

/* The atfork handler finds that a hook has seen this fork. */
static pid_t seen_fork_now(const struct fp_fork_call *call)
{
    fp_self.forking++;
    pid_t child = fork_now(call);
    fp_self.forking--;
    if (child)
        fp_parent_go_on(child);
    return child;
}

static pid_t refuse(void)
{
    errno = ENOTSUP; /* not EAGAIN: bash would retry for 15 seconds */
    return -1;
}

/* `at_fork`: what was looked at already; NULL where nothing is to be said. */
static void prepare(const struct fp_fork_call *call, const struct fp_fork_context *at_fork)
{
    bool goes_on = at_fork
                       ? fp_prepare_child(call->name, &at_fork->place, at_fork->snapshot.threads)
                       : fp_prepare_silently(call->name, call->caller);
    if (goes_on && call->is_whole)
        fp_carry_prepare();
}

/* The context is 14 KiB: not on the caller's stack. Where there is no memory for it nothing is
   said, and the fork will most likely fail. */
static pid_t look_and_fork(const struct fp_fork_call *call, struct fp_outlook outlook)
{
    struct fp_fork_context *at_fork = outlook.tells ? fp_stack_memory_take() : NULL;
    struct fp_work work = fp_work_begin();
    bool tells = at_fork && fp_look_and_decide(at_fork, call->name, call->caller);
    bool refuses = tells && at_fork->verdict.refuse;
    if (tells)
        fp_report_say(at_fork);
    if (outlook.watches && tells == outlook.tells && !refuses)
        prepare(call, at_fork);
    fp_work_end(work);
    pid_t child = refuses ? refuse() : seen_fork_now(call);
    if (tells && child > 0)
        fp_report_record(at_fork, child);
    if (at_fork)
        fp_stack_memory_give(at_fork);
    return child;
}

/* Most forks write nothing. Where a rule depends on the place our atfork handler must find that a
   hook has seen the fork: it would ask again, and take libc for the place. */
static pid_t fork_as_foreseen(const struct fp_fork_call *call)
{
    fp_inherit_begin(call->caller);
    struct fp_outlook outlook = fp_look_ahead();
    bool is_plain = !outlook.tells && !outlook.watches && !fp_here();
    pid_t child = is_plain ? fork_now(call) : look_and_fork(call, outlook);
    if (child)
        fp_inherit_end();
    return child;
}

static pid_t handled_fork(const struct fp_fork_call *call)
{
    if (!fp_registered_prepare())
        return refuse();
    pid_t child = fork_as_foreseen(call);
    if (child > 0)
        fp_registered_parent();
    else if (child < 0)
        fp_registered_failed();
    return child;
}

pid_t fp_fork_story(const struct fp_fork_call *call)
{
    struct fp_place *place = fp_place_begin(call->caller);
    pid_t child = call->is_whole ? handled_fork(call) : fork_as_foreseen(call);
    fp_place_end(place);
    return child;
}
