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
#include "shim/fork.h"

#include "policy/message.h"
#include "shim/child.h"
#include "shim/config.h"
#include "shim/init.h"
#include "shim/notice.h"
#include "shim/passage.h"
#include "shim/quiesce.h"
#include "shim/real.h"
#include "shim/registered.h"
#include "shim/self.h"
#include "shim/table.h"
#include "shim/watch.h"

#include <errno.h>
#include <unistd.h>

/* What is alive and what the policy says; false when there is nothing to decide. */
static bool look_and_decide(struct fp_passage *passage, const char *call, const void *caller)
{
    bool anything = fp_look(passage, call, caller);
    if (anything)
        fp_decide(&passage->snapshot, &passage->verdict);
    return anything;
}

/* In the child, what is done by our atfork handler is done again: not every fork runs handlers. */
static pid_t fork_now(pid_t (*real)(void *context), void *context)
{
    pid_t child = real(context);
    if (child == 0)
        fp_child_enter();
    return child;
}

/* The atfork handler finds that a hook has seen this fork. */
static pid_t seen_fork_now(pid_t (*real)(void *context), void *context)
{
    fp_self.forking++;
    pid_t child = fork_now(real, context);
    fp_self.forking--;
    return child;
}

/* The child will be watched: what it needs to know is found out before. */
static void prepare_child(const char *call, const struct fp_place *place)
{
    if (place->python.execs)
        return;
    fp_watch_prepare(call, place->origin, &place->site);
    fp_quiesce();
    if (fp_policy_can_reset(&fp_config.policy) && place->origin != FP_ORIGIN_NATIVE_IN_PYTHON)
        fp_reset_prepare();
}

/* Out of line, as the three below: the passage is 14 KiB of stack, and what a fork finds touched
   there is copied again, page by page. False: the fork is refused. */
__attribute__((noinline)) static bool tell_fork(struct fp_passage *passage, const char *call,
                                                const void *caller, bool watches)
{
    bool decided = look_and_decide(passage, call, caller);
    if (decided)
        fp_report_say(passage);
    if (decided && passage->verdict.refuse)
        fp_report_record(passage, 0);
    else if (decided && watches)
        prepare_child(call, &passage->place);
    return decided;
}

__attribute__((noinline)) static pid_t told_fork(const char *call, const void *caller, bool watches,
                                                 pid_t (*real)(void *context), void *context)
{
    struct fp_passage passage;
    struct fp_work work = fp_work_begin();
    bool decided = tell_fork(&passage, call, caller, watches);
    fp_work_end(work);
    if (decided && passage.verdict.refuse) {
        errno = ENOTSUP; /* not EAGAIN: bash would retry for 15 seconds */
        return -1;
    }
    pid_t child = seen_fork_now(real, context);
    if (decided && child > 0) {
        work = fp_work_begin();
        fp_report_record(&passage, child);
        fp_work_end(work);
    }
    return child;
}

/* Nothing is said of it, but its child may hang. */
__attribute__((noinline)) static void prepare_silently(const char *call, const void *caller)
{
    struct fp_place place;
    struct fp_work work = fp_work_begin();
    fp_look_at_place(&place, caller);
    prepare_child(call, &place);
    fp_work_end(work);
}

/*
 * Most forks are not: one thread, or others of which there is nothing to say. Nothing is written on
 * this way, not even errno: each page written between two forks is copied once more.
 */
static struct fp_outlook look_ahead(void)
{
    const struct fp_outlook nothing = {false, false};
    if (!fp_ready() || fp_self.inside)
        return nothing;
    fp_notice_say();
    return fp_table_ever_threaded() ? fp_look_ahead() : nothing;
}

/* fork and forkpty run the handlers that are registered; _Fork and clone run none. */
static pid_t handled_fork(const char *call, const void *caller, pid_t (*real)(void *context),
                          void *context)
{
    if (!fp_registered_prepare()) {
        errno = ENOTSUP;
        return -1;
    }
    fp_self.asked = true;
    pid_t child = fp_fork_story(call, caller, real, context);
    fp_self.asked = false;
    if (child > 0)
        fp_registered_parent();
    else if (child < 0)
        fp_registered_failed();
    return child;
}

pid_t fp_fork_story(const char *call, const void *caller, pid_t (*real)(void *context),
                    void *context)
{
    struct fp_outlook outlook = look_ahead();
    if (outlook.tells)
        return told_fork(call, caller, outlook.watches, real, context);
    if (!outlook.watches)
        return fork_now(real, context);
    prepare_silently(call, caller);
    return seen_fork_now(real, context);
}

__attribute__((noinline)) static void tell_unseen_fork(bool watches)
{
    struct fp_passage passage;
    struct fp_work work = fp_work_begin();
    if (look_and_decide(&passage, "fork", (const void *)fp_real.fork)) {
        passage.verdict.refuse = false; /* too late */
        fp_report_say(&passage);
        fp_report_record(&passage, 0);
        if (watches)
            prepare_child("fork", &passage.place);
    }
    fp_work_end(work);
}

void fp_fork_unseen(void)
{
    struct fp_outlook outlook = look_ahead();
    if (outlook.tells)
        tell_unseen_fork(outlook.watches);
    else if (outlook.watches)
        prepare_silently("fork", (const void *)fp_real.fork);
}

__attribute__((noinline)) static bool refuse_in_python(const char *call, const void *caller)
{
    struct fp_passage passage;
    struct fp_work work = fp_work_begin();
    bool refused = look_and_decide(&passage, call, caller) && passage.verdict.refuse;
    if (refused) {
        char message[1024];
        struct fp_text text = FP_TEXT(message);
        fp_report_say(&passage);
        fp_report_record(&passage, 0);
        fp_message_refusal(&text, &passage.snapshot, &passage.verdict);
        fp_python_raise(message);
    }
    fp_work_end(work);
    return refused;
}

bool fp_fork_refused_in_python(const char *call, const void *caller)
{
    struct fp_outlook outlook = look_ahead();
    if (outlook.tells && refuse_in_python(call, caller))
        return true;
    if (outlook.watches && fp_policy_can_reset(&fp_config.policy)) {
        struct fp_work work = fp_work_begin();
        fp_reset_prepare_python();
        fp_work_end(work);
    }
    return false;
}

static pid_t real_fork(void *unused)
{
    (void)unused;
    return fp_real.fork();
}

static pid_t real_small_fork(void *unused)
{
    (void)unused;
    return fp_real._Fork();
}

struct forkpty_call {
    int *master;
    char *name;
    const struct termios *terminal;
    const struct winsize *size;
};

static pid_t real_forkpty(void *context)
{
    const struct forkpty_call *call = context;
    return fp_real.forkpty(call->master, call->name, call->terminal, call->size);
}

pid_t fork(void)
{
    if (!fp_real.fork)
        fp_real_resolve(FP_OPTIONAL);
    return handled_fork("fork", __builtin_return_address(0), real_fork, NULL);
}

pid_t _Fork(void)
{
    if (!fp_real._Fork)
        fp_real_resolve(FP_OPTIONAL);
    return fp_fork_story("_Fork", __builtin_return_address(0), real_small_fork, NULL);
}

int forkpty(int *master, char *name, const struct termios *terminal, const struct winsize *size)
{
    struct forkpty_call call = {master, name, terminal, size};
    if (!fp_real.forkpty)
        fp_real_resolve(FP_OPTIONAL);
    return handled_fork("forkpty", __builtin_return_address(0), real_forkpty, &call);
}

/* Called by the stub in entry.S, which then jumps to what this returns: vfork comes back twice on
   one stack frame, so that no C function can stand around it. */
void *fp_vfork_real(void);
void *fp_vfork_real(void)
{
    if (fp_ready() && !fp_self.inside)
        fp_notice_say();
    return fp_real.vfork ? *(void **)&fp_real.vfork : *(void **)&fp_real.fork;
}
