/*
 * Forks that come by another way than a hook around fork: through Python's audit event, before
 * Python has done anything for the fork, or through our atfork handler, when the fork can no longer
 * be refused (daemon and the like).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "policy/message.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/fork/fork.h"
#include "shim/fork/fork_context.h"
#include "shim/reset/reset.h"

static void tell_unseen(struct fp_fork_context *at_fork, const void *caller, bool watches)
{
    struct fp_work work = fp_work_begin();
    if (fp_look_and_decide(at_fork, "fork", caller)) {
        at_fork->verdict.refuse = false; /* too late */
        fp_report_say(at_fork);
        fp_report_record(at_fork, 0);
        if (watches)
            (void)fp_prepare_child("fork", &at_fork->place, at_fork->snapshot.threads);
    }
    fp_work_end(work);
}

static void tell_unseen_fork(const void *caller, bool watches)
{
    struct fp_fork_context *at_fork = fp_stack_memory_take();
    if (!at_fork)
        return;
    tell_unseen(at_fork, caller, watches);
    fp_stack_memory_give(at_fork);
}

void fp_fork_unseen(const void *caller)
{
    struct fp_place *place = fp_place_begin(caller);
    struct fp_outlook outlook = fp_look_ahead();
    if (outlook.tells)
        tell_unseen_fork(caller, outlook.watches);
    else if (outlook.watches)
        (void)fp_prepare_silently("fork", caller);
    fp_place_end(place);
}

static bool refuse_at(struct fp_fork_context *at_fork, const char *call, const void *caller)
{
    if (!fp_look_and_decide(at_fork, call, caller) || !at_fork->verdict.refuse)
        return false;
    char message[1024];
    struct fp_text text = FP_TEXT(message);
    fp_report_say(at_fork);
    fp_message_refusal(&text, &at_fork->snapshot, &at_fork->verdict);
    fp_python_raise(message);
    return true;
}

static bool refuse_in_python(const char *call, const void *caller)
{
    struct fp_work work = fp_work_begin();
    struct fp_fork_context *at_fork = fp_stack_memory_take();
    bool refused = at_fork && refuse_at(at_fork, call, caller);
    if (at_fork)
        fp_stack_memory_give(at_fork);
    fp_work_end(work);
    return refused;
}

static bool is_refused_at_place(const char *call, const void *caller)
{
    struct fp_outlook outlook = fp_look_ahead();
    if (outlook.tells && refuse_in_python(call, caller))
        return true;
    if (outlook.watches && fp_policy_can_reset(&fp_config.policy)) {
        struct fp_work work = fp_work_begin();
        fp_reset_prepare_python();
        fp_work_end(work);
    }
    return false;
}

bool fp_fork_refused_in_python(const char *call, const void *caller)
{
    struct fp_place *place = fp_place_begin(caller);
    bool refused = is_refused_at_place(call, caller);
    fp_place_end(place);
    return refused;
}
