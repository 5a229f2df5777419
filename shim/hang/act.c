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
#include <time.h>
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

/* Milliseconds: a wait of a process that is just being told to end. */
enum { FP_SIGNAL_SOON = 500 };
enum { RECORDS_MAX = 256 }; /* of one process: a loop may catch the error and wait again for ever */

static const char *place_of(const struct fp_hang *hang)
{
    const char *line = fp_site_line(&hang->at);
    return *line ? line : hang->waiting.dso;
}

static bool is_an_end(enum fp_outcome outcome)
{
    return outcome == FP_OUTCOME_EXITED || outcome == FP_OUTCOME_AGAIN ||
           outcome == FP_OUTCOME_ABORTED;
}

static void say_whole(const struct fp_hang *hang, const char *key)
{
    struct fp_text text = FP_TEXT(block);
    fp_message_hang(&text, hang);
    fp_emit_text((struct fp_slice){block, text.length});
    fp_once_shared(place_of(hang), key);
}

/* A line that refers to a report comes behind that. Who writes the report may still be at work, or
   have been ended before. */
static bool is_out(const struct fp_hang *hang, const char *key)
{
    enum { PATIENCE = 2000 }; /* milliseconds */
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t begin = fp_milliseconds();
    while (!fp_once_shared_before(place_of(hang), key)) {
        if (fp_milliseconds() - begin >= PATIENCE)
            return false;
        syscall(SYS_nanosleep, &pause, NULL);
    }
    return true;
}

/* Each line is reported once by all children together. Of the later ones, each that ends has a line
   of its own, but not those of a parent that puts one after the other in its place for ever. */
static void say(const struct fp_hang *hang, bool is_known)
{
    enum { LINES_MAX = 16 };
    struct fp_text text = FP_TEXT(block);
    const char *outcome = fp_outcome_name(hang->outcome);
    char key[32];
    struct fp_text out = FP_TEXT(key);
    fp_text_format(&out, "%s is out", outcome);
    bool is_first = !is_known && fp_once_shared(place_of(hang), outcome);
    if (!is_first && !is_an_end(hang->outcome))
        return;
    if (is_first || !(is_known || is_out(hang, key))) {
        say_whole(hang, key);
        return;
    }
    for (int nth = 0; nth < LINES_MAX; nth++) {
        struct fp_text number = FP_TEXT(key);
        fp_text_format(&number, "again %d", nth);
        if (!fp_once_shared(place_of(hang), key))
            continue;
        fp_message_hang_again(&text, hang);
        fp_emit_text((struct fp_slice){block, text.length});
        return;
    }
}

/* Each hang has its record. */
static void record(const struct fp_hang *hang)
{
    static _Atomic unsigned records;
    char host[65];
    struct fp_text text = {.data = block, .size = FP_EVENT_MAX + 1};
    if (!fp_emit_has_log() || atomic_fetch_add(&records, 1) >= RECORDS_MAX)
        return;
    struct fp_event_header header = fp_emit_header("hang", host, sizeof host);
    fp_event_hang(&text, &header, hang);
    fp_emit_record(&text);
}

struct telling {
    const struct fp_hang *hang;
    bool is_known; /* of this wait there was a report before */
};

static void tell_there(void *argument)
{
    const struct telling *telling = argument;
    say(telling->hang, telling->is_known);
    if (telling->hang->outcome != FP_OUTCOME_GRACE)
        record(telling->hang);
}

/* On a stack of our own: the host may wait on a small one. */
static void tell(const struct fp_hang *hang, bool is_known)
{
    fp_on_own_stack(tell_there, &(struct telling){hang, is_known});
}

/* Told once, and it goes on. Of what is only suspected once for a runtime: several threads may wait
   for it, one behind the other. */
static void tell_wait(struct fp_waiting *waiting, const struct fp_hang *hang)
{
    const char *what = place_of(hang);
    if (hang->opinion.grade == FP_GRADE_SUSPECTED && hang->lost)
        what = *hang->lost->facts.file ? hang->lost->facts.file : hang->lost->facts.dso;
    waiting->told = true;
    if (fp_once(what, fp_grade_name(hang->opinion.grade)))
        tell(hang, false);
}

/* A signal to end may be under way: a worker that its parent ends anyway is not to look like one
   that fell. */
static void give_grace(struct fp_waiting *waiting, struct fp_hang *hang)
{
    hang->outcome = FP_OUTCOME_GRACE;
    if (!waiting->warned)
        tell(hang, false);
    waiting->warned = true;
}

/* Code that catches the error and waits again at the same line, or that never lets it through (C
   code that asks for a lock until it has it), is not helped by another one. */
FP_LARGE static char raised_at[FP_LINE_SIZE]; /* in the main thread alone */

static bool has_been_raised_at(const struct fp_site *site)
{
    return *raised_at && strcmp(fp_site_line(site), raised_at) == 0;
}

/* Only a wait on one of Python's locks, in the thread that runs pending calls, comes back. */
static bool comes_back(const struct fp_waiting *waiting, const struct fp_evidence *evidence,
                       const struct fp_hang *hang)
{
    return waiting->wait == FP_WAIT_SEMAPHORE && hang->tid == hang->pid &&
           fp_evidence_has_reader(evidence) && fp_python_owns(fp_owner_of(waiting->caller));
}

/* The error may still be under way to a parent that a worker's end tells nothing, as DataLoader's.
 */
static bool is_early_again(const struct fp_waiting *waiting, const struct fp_evidence *evidence,
                           const struct fp_hang *hang)
{
    enum { PATIENCE = 1000 }; /* milliseconds */
    return comes_back(waiting, evidence, hang) && has_been_raised_at(&hang->at) &&
           hang->milliseconds < PATIENCE;
}

/* RAISED, or how the process ends because nothing can be raised, or was raised in vain. */
static enum fp_outcome raise_error(const struct fp_waiting *waiting,
                                   const struct fp_evidence *evidence, const struct fp_hang *hang)
{
    struct fp_text text = FP_TEXT(raised_at);
    if (!comes_back(waiting, evidence, hang))
        return FP_OUTCOME_EXITED;
    if (has_been_raised_at(&hang->at))
        return FP_OUTCOME_AGAIN;
    const char *line = fp_site_line(&hang->at);
    fp_text_reset(&text);
    fp_text_append(&text, line, strlen(line));
    return fp_python_raise_soon(error) ? FP_OUTCOME_RAISED : FP_OUTCOME_EXITED;
}

static enum fp_outcome try_what_is_wanted(const struct fp_waiting *waiting,
                                          const struct fp_evidence *evidence,
                                          const struct fp_hang *hang)
{
    enum fp_on_proven wanted = fp_config.options.on_proven;
    if (wanted == FP_ON_PROVEN_RAISE)
        return raise_error(waiting, evidence, hang);
    return wanted == FP_ON_PROVEN_ABORT ? FP_OUTCOME_ABORTED : FP_OUTCOME_EXITED;
}

/* A pool's parent waits for the answer of a worker that has ended: it gets one. NULL: whether it
   waits. */
static bool answer_for_pool(const struct fp_company_look *look, const char *message)
{
    int state;
    bool answers = false;
    bool is_free = look->company == FP_COMPANY_AWAKE || look->gil_is_free;
    if (fp_python_enter(is_free && !fp_origin_awaits_gil(), &state)) {
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
    if (opinion.reason == FP_REASON_SIGNAL && hang.milliseconds < FP_SIGNAL_SOON)
        return FP_ADVANCE_WAIT;
    /* What was only suspected before, and said, may be proven now. */
    if (hang.judgement.action == FP_ACTION_WARN || wanted == FP_ON_PROVEN_REPORT) {
        if (!waiting->told)
            tell_wait(waiting, &hang);
        return FP_ADVANCE_WAIT;
    }
    if (opinion.reason == FP_REASON_SIGNAL &&
        hang.milliseconds < fp_config.options.grace_milliseconds) {
        give_grace(waiting, &hang);
        return FP_ADVANCE_WAIT;
    }
    if (wanted == FP_ON_PROVEN_RAISE && is_early_again(waiting, evidence, &hang))
        return FP_ADVANCE_WAIT;
    struct fp_text text = FP_TEXT(error);
    fp_message_hang_error(&text, &hang);
    /* Where it raises, by the worker itself. */
    hang.answered = fp_emit_has_log() && answer_for_pool(look, NULL);
    hang.outcome = try_what_is_wanted(waiting, evidence, &hang);
    tell(&hang, waiting->warned);
    if (hang.outcome == FP_OUTCOME_RAISED)
        return FP_ADVANCE_INTERRUPT;
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
