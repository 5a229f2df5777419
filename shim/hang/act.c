/* See act.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/act.h"

#include "common/large.h"
#include "policy/hang_message.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/program.h"
#include "shim/base/report_once.h"
#include "shim/hang/evidence.h"
#include "shim/python/python.h"
#include "shim/threads/origin.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

FP_LARGE static char block[FP_EVENT_MAX * 2];
FP_LARGE static char program[FP_PROGRAM_SIZE];
FP_LARGE static char error[1024];

struct description {
    struct fp_evidence *evidence;
    struct fp_hang *hang;
    const struct fp_waiting *waiting;
};

static void fill_there(void *argument)
{
    const struct description *description = argument;
    fp_program_read(program);
    fp_evidence_fill(description->evidence, description->hang, description->waiting);
}

static struct fp_hang describe(const struct fp_waiting *waiting, const struct fp_company_look *look,
                               struct fp_evidence *evidence, struct fp_opinion opinion,
                               bool interruptible)
{
    struct fp_hang hang = {.program = program,
                           .pid = getpid(),
                           .tid = (pid_t)syscall(SYS_gettid),
                           .opinion = opinion,
                           .outcome = FP_OUTCOME_WAITS,
                           .wait = waiting->wait,
                           .interruptible = interruptible,
                           .milliseconds = fp_milliseconds() - waiting->since,
                           .threads = look->threads};
    fp_on_own_stack(fill_there, &(struct description){evidence, &hang, waiting});
    return hang;
}

enum { RECORDS_MAX = 256 }; /* of one process: a loop may catch the error and wait again for ever */

/* Each line is reported once by all children together; each hang has its record. Both on a stack of
   our own: the host may wait on a small one. */
static void tell_there(void *argument)
{
    const struct fp_hang *hang = argument;
    static _Atomic unsigned records;
    char host[65];
    struct fp_text text = FP_TEXT(block);
    const char *line = fp_site_line(&hang->at);
    fp_message_hang(&text, hang);
    if (fp_once_shared(*line ? line : hang->waiting.dso, fp_outcome_name(hang->outcome)))
        fp_emit_text((struct fp_slice){block, text.length});
    if (!fp_emit_has_log() || atomic_fetch_add(&records, 1) >= RECORDS_MAX)
        return;
    struct fp_event_header header = fp_emit_header("hang", host, sizeof host);
    text.size = FP_EVENT_MAX + 1;
    fp_event_hang(&text, &header, hang);
    fp_emit_record(&text);
}

static void tell(struct fp_hang *hang)
{
    fp_on_own_stack(tell_there, hang);
}

/* Told once, and it goes on. Of what is only suspected once for a runtime: several threads may wait
   for it, one behind the other. */
static void tell_wait(struct fp_waiting *waiting, struct fp_hang *hang)
{
    const char *line = fp_site_line(&hang->at), *what = *line ? line : hang->waiting.dso;
    if (hang->opinion.grade == FP_GRADE_SUSPECTED && hang->lost)
        what = *hang->lost->facts.file ? hang->lost->facts.file : hang->lost->facts.dso;
    waiting->told = true;
    if (fp_once(what, fp_grade_name(hang->opinion.grade)))
        tell(hang);
}

/* Code that catches the error and waits again at the same line, or that never lets it through (C
   code that asks for a lock until it has it), is not helped by another one. */
static bool has_been_raised_at(const struct fp_site *site)
{
    static char before[FP_LINE_SIZE]; /* in the main thread alone */
    const char *line = fp_site_line(site);
    if (strcmp(line, before) == 0)
        return true;
    struct fp_text text = FP_TEXT(before);
    fp_text_reset(&text);
    fp_text_append(&text, line, strlen(line));
    return false;
}

static bool raise_error(const struct fp_waiting *waiting, const struct fp_evidence *evidence,
                        const struct fp_hang *hang)
{
    /* Only a wait on one of Python's locks, in the thread that runs pending calls, comes back. */
    return waiting->wait == FP_WAIT_SEMAPHORE && hang->tid == hang->pid &&
           fp_evidence_has_reader(evidence) && fp_python_owns(fp_owner_of(waiting->caller)) &&
           !has_been_raised_at(&hang->at) && fp_python_raise_soon(error);
}

/* A pool's parent waits for the answer of a worker that has ended: it gets one. NULL: whether it
   waits. */
static bool answer_for_pool(const struct fp_company_look *look, const char *message)
{
    int state;
    bool answers = false;
    bool is_free = look->company != FP_COMPANY_ASLEEP || look->gil_is_free;
    if (fp_python_enter(is_free && fp_origin_has_sound_gil(), &state)) {
        answers = fp_python_hand_over(message);
        fp_python_leave(state);
    }
    return answers;
}

static void end_by_abort(void)
{
    signal(SIGABRT, SIG_DFL);
    abort();
}

enum fp_advance fp_act_on_proof(struct fp_waiting *waiting, const struct fp_company_look *look,
                                struct fp_evidence *evidence, struct fp_opinion opinion,
                                bool interruptible)
{
    struct fp_hang hang = describe(waiting, look, evidence, opinion, interruptible);
    enum fp_on_proven wanted = fp_config.options.on_proven;
    if (hang.judgement.action == FP_ACTION_OFF)
        return FP_ADVANCE_WAIT;
    /* What was only suspected before, and said, may be proven now. */
    if (hang.judgement.action == FP_ACTION_WARN || wanted == FP_ON_PROVEN_REPORT) {
        if (!waiting->told)
            tell_wait(waiting, &hang);
        return FP_ADVANCE_WAIT;
    }
    struct fp_text text = FP_TEXT(error);
    fp_message_hang_error(&text, &hang);
    /* Where it raises, by the worker itself. */
    hang.answered = fp_emit_has_log() && answer_for_pool(look, NULL);
    if (wanted == FP_ON_PROVEN_RAISE && raise_error(waiting, evidence, &hang)) {
        hang.outcome = FP_OUTCOME_RAISED;
        tell(&hang);
        return FP_ADVANCE_INTERRUPT;
    }
    hang.outcome = wanted == FP_ON_PROVEN_ABORT ? FP_OUTCOME_ABORTED : FP_OUTCOME_EXITED;
    tell(&hang);
    answer_for_pool(look, error);
    if (hang.outcome == FP_OUTCOME_ABORTED)
        end_by_abort();
    _exit(FP_EXIT_STATUS);
}

void fp_act_on_doubt(struct fp_waiting *waiting, const struct fp_company_look *look,
                     struct fp_evidence *evidence, struct fp_opinion opinion, bool interruptible)
{
    struct fp_hang hang = describe(waiting, look, evidence, opinion, interruptible);
    if (hang.judgement.action != FP_ACTION_OFF)
        tell_wait(waiting, &hang);
}
