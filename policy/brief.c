/* See brief.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/brief.h"

#include "policy/advice.h"
#include "policy/hang_advice.h"
#include "policy/phrases.h"

#include <string.h>

enum { NAME_SHOWN = 18, FIXES_SHOWN = 3 };

void fp_brief_headline(struct fp_text *text, const struct fp_job_end *end)
{
    static const char *const HEADLINES[] = {
#define FP_ENDING(NAME, headline) headline,
#include "policy/endings.def"
#undef FP_ENDING
    };
    const char *words = HEADLINES[end->ending], *slot = strstr(words, "%s");
    fp_text_format(text, "forkpolicy: ");
    fp_text_append(text, words, slot ? (size_t)(slot - words) : strlen(words));
    if (slot)
        fp_text_format(text, "%u%s", end->number, slot + 2);
}

static void add_name(struct fp_text *text, const struct fp_runtime *runtime)
{
    struct fp_slice name = fp_runtime_entry_name(runtime);
    if (!runtime->identity.known && !*runtime->facts.package)
        name = fp_slice_of(
            fp_basename(*runtime->facts.file ? runtime->facts.file : runtime->facts.dso));
    fp_text_quote(text, name, name.length > NAME_SHOWN ? NAME_SHOWN - strlen("...") : NAME_SHOWN);
}

static void add_what(struct fp_text *text, const struct fp_hang *hang)
{
    bool is_sure = hang->opinion.grade == FP_GRADE_PROVEN;
    fp_text_format(text, "child %d %s", (int)hang->pid, is_sure ? "hung: " : "may hang: ");
    if (fp_hang_is_plain_lock(hang)) {
        fp_text_format(text, "it waits for a lock\n");
    } else if (hang->lost) {
        fp_text_format(text, "the fork lost ");
        add_name(text, hang->lost);
        fp_text_format(text, " threads\n");
    } else {
        fp_text_format(text, "a deadlock\n");
    }
}

static void add_fork(struct fp_text *text, const struct fp_site *site)
{
    if (!*fp_site_line(site))
        return;
    fp_add_label(text, "fork");
    fp_add_lines(text, site);
    fp_text_format(text, "\n");
}

static void add_where(struct fp_text *text, const struct fp_hang *hang)
{
    fp_add_label(text, "where");
    if (*fp_site_line(&hang->at)) {
        fp_add_lines(text, &hang->at);
    } else {
        fp_text_quote(text, fp_slice_of(*hang->waiting.dso ? hang->waiting.dso : "native code"),
                      300);
        fp_text_format(text, ", in %s", fp_wait_name(hang->wait));
    }
    fp_text_format(text, "\n");
    add_fork(text, hang->fork.site);
}

static void add_why(struct fp_text *text, const struct fp_hang *hang)
{
    unsigned lost = hang->fork.lost_threads, of_it = hang->lost ? hang->lost->threads : 0;
    fp_add_label(text, "why");
    fp_text_format(text, "the fork lost %u of %u threads", lost, lost + 1);
    if (hang->lost) {
        if (of_it < lost)
            fp_text_format(text, ", %u of them of ", of_it);
        else
            fp_text_format(text, of_it == 1 ? ", one of " : ", all of ");
        fp_add_runtime_name(text, hang->lost);
        if (*hang->lost->started) {
            fp_text_format(text, ", started at ");
            fp_add_path(text, hang->lost->started);
        }
        if (fp_hang_is_plain_lock(hang) && !hang->holders.count)
            fp_text_format(text, "; %s held the lock",
                           hang->cause == FP_CAUSE_OWNER ? "that one"
                           : of_it == 1                  ? "it may have"
                                                         : "one of them may have");
    }
    fp_text_format(text, "\n");
    fp_add_held(text, &hang->holders);
}

/* The first of those that fit. */
static void add_fixes(struct fp_text *text, const struct fp_hang *hang)
{
    struct fp_slice advice;
    for (size_t nth = 0; nth < FIXES_SHOWN && (advice = fp_hang_advice(hang, nth)).length; nth++)
        fp_add_advice(text, "fix", advice, nth);
}

void fp_brief_hang(struct fp_text *text, const struct fp_job_end *end, const struct fp_hang *hang)
{
    fp_text_reset(text);
    fp_brief_headline(text, end);
    add_what(text, hang);
    add_where(text, hang);
    add_why(text, hang);
    if (end->alike) {
        fp_add_label(text, "also");
        fp_text_format(text, "%u more process%s hung%s\n", end->alike, end->alike == 1 ? "" : "es",
                       end->ending == FP_ENDING_REPLACED ? ", each in the place of the one before"
                                                         : "");
    }
    add_fixes(text, hang);
    fp_end_at_line(text);
}

void fp_brief_crash(struct fp_text *text, const struct fp_job_end *end,
                    const struct fp_crash *crash)
{
    const char *signal = fp_crash_signal(crash->signal);
    struct fp_slice advice;
    fp_text_reset(text);
    fp_brief_headline(text, end);
    fp_text_format(text, "child %d crashed (%s)\n", (int)crash->pid, signal ? signal : "a signal");
    add_fork(text, crash->fork.site);
    fp_add_label(text, "why");
    fp_text_format(text, "not known; ");
    fp_add_crash_loss(text, crash);
    fp_text_format(text, "\n");
    for (size_t nth = 0; nth < FIXES_SHOWN && (advice = fp_crash_advice(crash, nth)).length; nth++)
        fp_add_advice(text, "fix", advice, nth);
    fp_end_at_line(text);
}

void fp_brief_refusal(struct fp_text *text, const struct fp_job_end *end,
                      const struct fp_snapshot *snapshot, const struct fp_verdict *verdict)
{
    const struct fp_runtime *first = NULL;
    bool meant[FP_RUNTIMES_MAX] = {false};
    fp_text_reset(text);
    fp_brief_headline(text, end);
    fp_text_format(text, "a fork in pid %d was refused\n", (int)snapshot->pid);
    fp_add_label(text, "where");
    if (*fp_site_line(&snapshot->site)) {
        fp_add_lines(text, &snapshot->site);
    } else {
        fp_text_format(text, "%s() called from ", snapshot->call);
        fp_text_quote(text, fp_slice_of(snapshot->site.dso), 300);
    }
    fp_text_format(text, "\n");
    fp_add_label(text, "why");
    for (size_t i = 0; i < snapshot->count; i++) {
        if (verdict->runtimes[i].speech != FP_SPEECH_REFUSE)
            continue;
        fp_text_format(text, "%s", first ? ", " : "");
        fp_add_runtime_name(text, &snapshot->runtimes[i]);
        fp_text_format(text, ": ");
        fp_add_threads(text, &snapshot->runtimes[i]);
        first = first ? first : &snapshot->runtimes[i];
        meant[i] = true;
    }
    fp_text_format(text, "; the child would have 1 of %u threads\n", snapshot->threads);
    struct fp_slice advice;
    fp_add_advice(text, "fix", fp_advice_fork(snapshot, meant), 0);
    for (size_t nth = 1; first && nth < FIXES_SHOWN; nth++) {
        advice = fp_runtime_value(first, FP_WORD_ADVICE, nth - 1);
        if (!advice.length)
            break;
        fp_add_advice(text, "fix", advice, nth);
    }
    fp_end_at_line(text);
}

void fp_brief_handler(struct fp_text *text, const struct fp_job_end *end, pid_t pid,
                      const char *library)
{
    fp_text_reset(text);
    fp_brief_headline(text, end);
    fp_text_format(text, "a fork in pid %d did not return\n", (int)pid);
    fp_add_label(text, "why");
    fp_text_format(text, "held up by a handler for forks (pthread_atfork) of ");
    fp_text_quote(text, fp_slice_of(library), 300);
    fp_text_format(text, "\n");
    fp_end_at_line(text);
}
