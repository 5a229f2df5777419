/* See hang_message.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/hang_message.h"

#include "policy/advice.h"
#include "policy/hang_advice.h"
#include "policy/phrases.h"

#include <string.h>

/* "0.3", "41" */
static void add_seconds(struct fp_text *text, unsigned long milliseconds)
{
    if (milliseconds < 10000)
        fp_text_format(text, "%lu.%lu s", milliseconds / 1000, milliseconds % 1000 / 100);
    else
        fp_text_format(text, "%lu s", milliseconds / 1000);
}

static void add_process(struct fp_text *text, pid_t pid, const char *program)
{
    fp_text_format(text, "forkpolicy: pid %d (", (int)pid);
    fp_text_quote(text, fp_slice_of(program), 120);
    fp_text_format(text, ")");
}

/* The words of grades.def with what was lost in the place of {}. */
static void add_headline(struct fp_text *text, const struct fp_hang *hang)
{
    static const struct {
        const char *headline, *unknown;
    } WORDS[] = {
#define FP_GRADE(NAME, name, headline, unknown) {headline, unknown},
#include "policy/grades.def"
#undef FP_GRADE
    };
    enum fp_grade grade = hang->opinion.grade;
    if (grade == FP_GRADE_NONE) /* told by a record of another version */
        grade = FP_GRADE_SUSPECTED;
    const char *words = WORDS[grade].headline;
    if (!hang->lost && *WORDS[grade].unknown)
        words = WORDS[grade].unknown;
    const char *slot = strstr(words, "{}");
    size_t before = slot ? (size_t)(slot - words) : strlen(words);
    add_process(text, hang->pid, hang->program);
    fp_text_format(text, " ");
    fp_text_append(text, words, before);
    fp_text_format(text, "%s%s\n", slot ? "threads" : "", slot ? slot + 2 : "");
}

static const char *why(const struct fp_hang *hang)
{
    static const char *const WHY[] = {
#define FP_REASON(NAME, name, why) why,
#include "policy/reasons.def"
#undef FP_REASON
    };
    return WHY[hang->opinion.reason];
}

/* "deltalake 0.18.2", or the library's file name. */
static void add_waiting_code(struct fp_text *text, const struct fp_facts *waiting)
{
    if (*waiting->package)
        fp_text_quote(text, fp_slice_of(waiting->package), 120);
    else
        fp_text_quote(text, fp_slice_of(*waiting->dso ? fp_basename(waiting->dso) : "code"), 120);
    if (*waiting->package && *waiting->version) {
        fp_text_format(text, " ");
        fp_text_quote(text, fp_slice_of(waiting->version), 64);
    }
}

static void add_waits(struct fp_text *text, const struct fp_hang *hang)
{
    fp_add_label(text, "waits");
    add_waiting_code(text, &hang->waiting);
    fp_text_format(text, " in %s", fp_wait_name(hang->wait));
    if (hang->milliseconds >= 100) {
        fp_text_format(text, " for ");
        add_seconds(text, hang->milliseconds);
    }
    fp_text_format(text, "%s; %s%s\n", fp_hang_is_plain_lock(hang) ? ", for a lock" : "", why(hang),
                   hang->interruptible ? " (^C would interrupt it)" : "");
    if (!*fp_site_line(&hang->at))
        return;
    fp_add_label(text, "at");
    fp_add_lines(text, &hang->at);
    fp_text_format(text, "\n");
}

static const char *how_known(enum fp_cause cause)
{
    static const char *const HOW[] = {
#define FP_CAUSE(NAME, name, how) how,
#include "policy/causes.def"
#undef FP_CAUSE
    };
    return HOW[cause];
}

static void add_lost(struct fp_text *text, const struct fp_hang *hang)
{
    fp_add_label(text, "for");
    if (!hang->lost) {
        fp_text_format(text, "it is not known which of the lost runtimes, if any\n");
        return;
    }
    fp_add_runtime_name(text, hang->lost);
    fp_text_format(text, ": ");
    fp_add_threads(text, hang->lost);
    if (*hang->lost->started) {
        fp_text_format(text, ", started at ");
        fp_add_path(text, hang->lost->started);
    }
    fp_text_format(text, "; %s\n", how_known(hang->cause));
    if (hang->judgement.action == FP_ACTION_RESET ||
        hang->lost->identity.asked == FP_ACTION_RESET) {
        fp_add_label(text, "reset");
        fp_text_format(text, "no reset is known, or it failed: treated as \"fail\"\n");
    }
}

static void add_fork(struct fp_text *text, const struct fp_fork_origin *fork)
{
    fp_add_label(text, "fork");
    if (*fp_site_line(fork->site)) {
        fp_add_lines(text, fork->site);
    } else if (*fork->site->dso) {
        fp_text_format(text, "%s() called from ", fork->call);
        fp_text_quote(text, fp_slice_of(fork->site->dso), 300);
    } else {
        fp_text_format(text, *fork->call ? "at an unknown line" : "inside libc");
    }
    fp_text_format(text, "; ");
    add_seconds(text, fork->milliseconds);
    fp_text_format(text, " ago by pid %d\n", (int)fork->parent);
}

static void add_advice(struct fp_text *text, const struct fp_hang *hang)
{
    struct fp_slice advice;
    for (size_t nth = 0; (advice = fp_hang_advice(hang, nth)).length; nth++)
        fp_add_advice(text, "do", advice, nth);
}

enum { FRAMES_SHOWN = 12 };

static void add_rest(struct fp_text *text, size_t count)
{
    if (count <= FRAMES_SHOWN)
        return;
    fp_add_label(text, "");
    fp_text_format(text, "...\n");
}

static void add_stacks(struct fp_text *text, const struct fp_hang *hang)
{
    for (size_t i = 0; i < hang->python_count && i < FRAMES_SHOWN; i++) {
        fp_add_label(text, i ? "" : "python");
        fp_add_path(text, hang->python[i].file);
        fp_text_format(text, ":%d in ", hang->python[i].line);
        fp_text_quote(text, fp_slice_of(hang->python[i].function), 64);
        fp_text_format(text, "\n");
    }
    add_rest(text, hang->python_count);
    for (size_t i = 0; i < hang->native_count && i < FRAMES_SHOWN; i++) {
        const struct fp_native_frame *frame = &hang->native[i];
        fp_add_label(text, i ? "" : "native");
        fp_add_path(text, frame->dso);
        if (*frame->symbol) {
            fp_text_format(text, " ");
            fp_text_quote(text, fp_slice_of(frame->symbol), 120);
        }
        fp_text_format(text, "+0x%lx\n", frame->offset);
    }
    add_rest(text, hang->native_count);
}

static const char *now(enum fp_outcome outcome)
{
    static const char *const NOW[] = {
#define FP_OUTCOME(NAME, name, now, later, counted) now,
#include "policy/outcomes.def"
    };
    return NOW[outcome];
}

static void add_now(struct fp_text *text, const struct fp_hang *hang)
{
#define FP_OUTCOME_HINT(words) static const char HINT[] = words;
#include "policy/outcomes.def"
    bool has_hint = hang->outcome == FP_OUTCOME_WAITS && hang->opinion.grade == FP_GRADE_PROVEN &&
                    hang->judgement.action == FP_ACTION_WARN;
    fp_add_label(text, "now");
    fp_text_format(text, "%s%s\n", now(hang->outcome), has_hint ? HINT : "");
}

void fp_message_hang(struct fp_text *text, const struct fp_hang *hang)
{
    fp_text_reset(text);
    add_headline(text, hang);
    add_waits(text, hang);
    add_lost(text, hang);
    fp_add_held(text, &hang->holders);
    add_fork(text, &hang->fork);
    add_advice(text, hang);
    add_now(text, hang);
    add_stacks(text, hang);
    fp_end_at_line(text);
}

void fp_message_hang_again(struct fp_text *text, const struct fp_hang *hang)
{
    fp_text_reset(text);
    add_process(text, hang->pid, hang->program);
    fp_text_format(text, " waits, as reported");
    if (hang->lost) {
        fp_text_format(text, ", for ");
        fp_add_runtime_name(text, hang->lost);
    }
    if (*fp_site_line(&hang->at)) {
        fp_text_format(text, " at ");
        fp_add_lines(text, &hang->at);
    }
    fp_text_format(text, ": %s\n", now(hang->outcome));
    fp_end_at_line(text);
}

void fp_message_hang_error(struct fp_text *text, const struct fp_hang *hang)
{
    fp_text_reset(text);
    fp_text_format(text, "this child process can never go on: ");
    if (hang->holders.count) {
        fp_text_format(text, "it waits for a lock, held ");
        fp_add_holders(text, &hang->holders);
    } else if (hang->lost) {
        fp_text_format(text, "it waits for ");
        fp_add_runtime_name(text, hang->lost);
        fp_text_format(text, ", whose ");
        fp_add_threads(text, hang->lost);
        fp_text_format(text, " stayed in the parent");
    } else {
        fp_text_format(text, "a deadlock; %u thread%s stayed in the parent",
                       hang->fork.lost_threads, fp_plural(hang->fork.lost_threads));
    }
    if (*fp_site_line(hang->fork.site)) {
        fp_text_format(text, " at the fork (");
        fp_add_lines(text, hang->fork.site);
        fp_text_format(text, ")");
    }
    struct fp_slice advice;
    fp_text_format(text, "; %s. Instead: ", why(hang));
    for (size_t nth = 0; (advice = fp_hang_advice(hang, nth)).length; nth++) {
        fp_text_format(text, nth ? "; or " : "");
        fp_text_quote(text, advice, 300);
    }
}

void fp_message_use(struct fp_text *text, pid_t pid, const char *program,
                    const struct fp_runtime *runtime, const char *call,
                    const struct fp_fork_origin *fork)
{
    fp_text_reset(text);
    add_process(text, pid, program);
    fp_text_format(text, " uses ");
    fp_add_runtime_name(text, runtime);
    fp_text_format(text, ", whose ");
    fp_add_threads(text, runtime);
    fp_text_format(text, " %s lost in the fork (%s)\n", runtime->threads == 1 ? "was" : "were",
                   call);
    add_fork(text, fork);
    struct fp_slice advice;
    for (size_t nth = 0; (advice = fp_runtime_advice(runtime, nth)).length; nth++)
        fp_add_advice(text, "do", advice, nth);
    fp_end_at_line(text);
}
