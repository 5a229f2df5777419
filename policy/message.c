/* See message.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/message.h"

#include "policy/advice.h"
#include "policy/phrases.h"

#include <string.h>

static void add_at(struct fp_text *text, const struct fp_snapshot *snapshot)
{
    const struct fp_site *site = &snapshot->site;
    fp_add_label(text, "at");
    if (fp_site_line(site)[0]) {
        fp_add_lines(text, site);
    } else {
        fp_text_format(text, "%s() called from ", snapshot->call);
        fp_text_quote(text, fp_slice_of(site->dso), 300);
    }
    fp_text_format(text, "\n");
}

/* What is said of a runtime that is only mentioned. */
static const char *beside(enum fp_class class)
{
    switch (class) {
    case FP_CLASS_UNKNOWN:
        return "unknown";
    case FP_CLASS_SURVIVES:
        return "safe after a fork";
    case FP_CLASS_LOST:
        return "lost too";
    default:
        return fp_class_message(class);
    }
}

/* A library whose threads serve objects hangs with those of the parent alone. */
static void add_fate(struct fp_text *text, const struct fp_runtime *runtime, enum fp_class class)
{
    struct fp_slice used = fp_runtime_value(runtime, FP_WORD_USES, 0);
    fp_text_format(text, "; ");
    if (class == FP_CLASS_LOST && used.length) {
        fp_text_format(text, "hangs when the child uses ");
        fp_text_quote(text, used, 300);
    } else {
        fp_text_format(text, "%s", fp_class_message(class));
    }
    fp_text_format(text, "\n");
}

static void add_told(struct fp_text *text, const struct fp_runtime *runtime, enum fp_class class)
{
    fp_add_label(text, "lost");
    fp_add_runtime_name(text, runtime);
    fp_text_format(text, ": ");
    fp_add_threads(text, runtime);
    if (*runtime->facts.dso && !*runtime->facts.file) {
        fp_text_format(text, " of ");
        fp_add_path(text, runtime->facts.dso);
    }
    if (*runtime->started) {
        fp_text_format(text, ", started at ");
        fp_add_path(text, runtime->started);
    }
    add_fate(text, runtime, class);
}

static void add_beside(struct fp_text *text, const struct fp_snapshot *snapshot,
                       const struct fp_verdict *verdict, const bool *told)
{
    static const enum fp_class ORDER[] = {FP_CLASS_SURVIVES, FP_CLASS_RESET, FP_CLASS_REFUSES,
                                          FP_CLASS_LOST, FP_CLASS_UNKNOWN};
    for (size_t c = 0; c < FP_CLASS_COUNT; c++) {
        const char *before = NULL;
        for (size_t i = 0; i < snapshot->count; i++) {
            if (told[i] || verdict->runtimes[i].class != ORDER[c])
                continue;
            if (!before)
                fp_add_label(text, "other");
            fp_text_format(text, "%s", before ? before : "");
            fp_add_runtime_name(text, &snapshot->runtimes[i]);
            before = ", ";
        }
        if (before)
            fp_text_format(text, ": %s\n", beside(ORDER[c]));
    }
}

static void add_what_to_do(struct fp_text *text, const struct fp_snapshot *snapshot,
                           const bool *told)
{
    struct fp_slice first = fp_advice_fork(snapshot, told);
    fp_add_label(text, "do");
    fp_text_quote(text, first, 300);
    fp_text_format(text, "\n");
    fp_advice_values(text, snapshot, told, FP_WORD_REMEDY, first, FP_LABEL("or      "), "\n");
    fp_advice_values(text, snapshot, told, FP_WORD_ADVICE, first, FP_LABEL("or      "), "\n");
    fp_add_label(text, "or");
    fp_advice_off_entries(text, snapshot, told);
    fp_text_format(text, "\n");
}

void fp_message_fork(struct fp_text *text, const struct fp_snapshot *snapshot,
                     const struct fp_verdict *verdict, const bool *told)
{
    fp_text_reset(text);
    fp_text_format(text, "forkpolicy: %s() %s in pid %d (", snapshot->call,
                   verdict->refuse ? "refused" : "allowed", (int)snapshot->pid);
    fp_text_quote(text, fp_slice_of(snapshot->program), 120);
    fp_text_format(text, "): the child %s %u of %u threads\n",
                   verdict->refuse ? "would lose" : "loses",
                   snapshot->threads ? snapshot->threads - 1 : 0, snapshot->threads);
    add_at(text, snapshot);
    for (size_t i = 0; i < snapshot->count; i++)
        if (told[i])
            add_told(text, &snapshot->runtimes[i], verdict->runtimes[i].class);
    add_beside(text, snapshot, verdict, told);
    add_what_to_do(text, snapshot, told);
    fp_advice_values(text, snapshot, told, FP_WORD_SOURCE, (struct fp_slice){"", 0},
                     FP_LABEL("source  "), "\n");
    fp_end_at_line(text);
}

void fp_message_refusal(struct fp_text *text, const struct fp_snapshot *snapshot,
                        const struct fp_verdict *verdict)
{
    bool meant[FP_RUNTIMES_MAX], hangs = false;
    const char *before = "";
    fp_text_reset(text);
    fp_text_format(text, "%s refused: the child would be without ", snapshot->call);
    for (size_t i = 0; i < snapshot->count; i++) {
        meant[i] = verdict->runtimes[i].speech == FP_SPEECH_REFUSE;
        if (!meant[i])
            continue;
        fp_text_format(text, "%s", before);
        fp_add_threads(text, &snapshot->runtimes[i]);
        fp_text_format(text, " of ");
        fp_add_runtime_name(text, &snapshot->runtimes[i]);
        hangs |= verdict->runtimes[i].class == FP_CLASS_LOST;
        before = " and ";
    }
    struct fp_slice first = fp_advice_fork(snapshot, meant);
    fp_text_format(text, "%s. Instead: ", hangs ? ", and would hang where it needs them" : "");
    fp_text_quote(text, first, 300);
    fp_text_format(text, "; ");
    fp_advice_values(text, snapshot, meant, FP_WORD_REMEDY, first, "or ", "; ");
    fp_advice_values(text, snapshot, meant, FP_WORD_ADVICE, first, "or ", "; ");
    fp_text_format(text, "or ");
    fp_advice_off_entries(text, snapshot, meant);
}
