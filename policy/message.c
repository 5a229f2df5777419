/* See message.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/message.h"

#include "policy/advice.h"
#include "policy/site.h"

#include <string.h>

static const char *plural(unsigned count)
{
    return count == 1 ? "" : "s";
}

/* What a line below the first begins with; labels are padded to eight. */
#define LABEL(padded) "forkpolicy:   " padded

static void add_label(struct fp_text *text, const char *label)
{
    fp_text_format(text, LABEL("%s%.*s"), label, 8 - (int)strlen(label), "        ");
}

/* "deltalake 0.18.2", "libgomp (torch 2.13.0)", "libfoo.so.1" */
static void add_runtime_name(struct fp_text *text, const struct fp_runtime *runtime)
{
    const struct fp_facts *facts = &runtime->facts;
    struct fp_slice name = fp_runtime_entry_name(runtime);
    bool same = fp_slice_is(name, facts->package);
    if (!runtime->identity.known && !*facts->package)
        name = fp_slice_of(fp_basename(*facts->file ? facts->file : facts->dso));
    if (!name.length)
        name = fp_slice_of("threads of unknown origin");
    fp_text_quote(text, name, 120);
    if (!*facts->package)
        return;
    fp_text_format(text, same ? " " : " (");
    if (!same) {
        fp_text_quote(text, fp_slice_of(facts->package), 120);
        fp_text_format(text, " ");
    }
    fp_text_quote(text, fp_slice_of(*facts->version ? facts->version : "of unknown version"), 64);
    fp_text_format(text, "%s", same ? "" : ")");
}

/* Installed code by its path in its package: "torch/utils/data/dataloader.py:1176". */
static const char *short_path(const char *path)
{
    const char *below = fp_path_in_packages(path);
    if (below)
        return below;
    const char *library = fp_code_of(path) == FP_CODE_STANDARD ? strstr(path, "/lib/python") : NULL;
    const char *slash = library ? strchr(library + 11, '/') : NULL;
    return slash ? slash + 1 : path;
}

static void add_path(struct fp_text *text, const char *path)
{
    fp_text_quote(text, fp_slice_of(short_path(path)), 300);
}

/* "4 tokio threads (tokio-runtime-w)" */
static void add_threads(struct fp_text *text, const struct fp_runtime *runtime)
{
    struct fp_slice kind = fp_runtime_value(runtime, FP_WORD_KIND, 0);
    if (!kind.length)
        kind = fp_slice_of(*runtime->facts.file     ? "Python"
                           : *runtime->facts.thread ? "unattributed"
                                                    : "native");
    fp_text_format(text, "%u ", runtime->threads);
    fp_text_quote(text, kind, 64);
    fp_text_format(text, " thread%s", plural(runtime->threads));
    if (*runtime->names) {
        fp_text_format(text, " (");
        fp_text_quote(text, fp_slice_of(runtime->names), 120);
        fp_text_format(text, ")");
    }
}

static void add_at(struct fp_text *text, const struct fp_snapshot *snapshot)
{
    const struct fp_site *site = &snapshot->site;
    add_label(text, "at");
    const char *line = *site->user ? site->user : *site->library ? site->library : site->innermost;
    if (!*line) {
        fp_text_format(text, "%s() called from ", snapshot->call);
        fp_text_quote(text, fp_slice_of(site->dso), 300);
    } else {
        fp_text_quote(text, fp_slice_of(line), 300);
        if (*site->function && line == site->user) {
            fp_text_format(text, " in ");
            fp_text_quote(text, fp_slice_of(site->function), 120);
        }
        const char *between = *site->called ? site->called : site->innermost;
        if (*between && strcmp(between, line) != 0) {
            fp_text_format(text, ", through ");
            add_path(text, between);
        }
    }
    fp_text_format(text, "\n");
}

/* What is said of a class: of a runtime only mentioned, and of one that the policy asked for by
   name. Of what hangs the first line speaks. */
static const struct {
    const char *beside, *told;
} WORDS[FP_CLASS_COUNT] = {
    [FP_CLASS_UNKNOWN] = {"not known", "; not known what becomes of it in the child"},
    [FP_CLASS_SURVIVES] = {"fine", "; works in the child all the same"},
    [FP_CLASS_RESET] = {"dead in the child, harmless where it is not used",
                        "; dead in the child, harmless where it is not used"},
    [FP_CLASS_LOST] = {"lost too", ""},
    [FP_CLASS_REFUSES] = {"raises an error of its own in the child",
                          "; raises an error of its own in the child"},
};

static void add_told(struct fp_text *text, const struct fp_runtime *runtime, enum fp_class class)
{
    add_label(text, "lost");
    add_runtime_name(text, runtime);
    fp_text_format(text, ": ");
    add_threads(text, runtime);
    if (*runtime->facts.dso && !*runtime->facts.file) {
        fp_text_format(text, " of ");
        add_path(text, runtime->facts.dso);
    }
    if (*runtime->started) {
        fp_text_format(text, ", started at ");
        add_path(text, runtime->started);
    }
    fp_text_format(text, "%s\n", WORDS[class].told);
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
                add_label(text, "beside");
            fp_text_format(text, "%s", before ? before : "");
            add_runtime_name(text, &snapshot->runtimes[i]);
            before = ", ";
        }
        if (before)
            fp_text_format(text, ": %s\n", WORDS[ORDER[c]].beside);
    }
}

static void add_what_to_do(struct fp_text *text, const struct fp_snapshot *snapshot,
                           const bool *told)
{
    add_label(text, "do");
    fp_text_format(text, "%s\n", fp_advice_start(snapshot));
    fp_advice_values(text, snapshot, told, FP_WORD_ADVICE, LABEL("or      "), "\n");
    add_label(text, "or");
    fp_advice_off_entries(text, snapshot, told);
    fp_text_format(text, "\n");
}

/* A block that did not fit ends with its last whole line: every line keeps its "forkpolicy:". */
static void end_at_line(struct fp_text *text)
{
    size_t end = text->length;
    if (!text->cut || !end)
        return;
    while (end && text->data[end - 1] != '\n')
        end--;
    if (!end) {
        text->data[text->length - 1] = '\n';
        return;
    }
    text->length = end;
    text->data[end] = '\0';
}

void fp_message_fork(struct fp_text *text, const struct fp_snapshot *snapshot,
                     const struct fp_verdict *verdict, const bool *told)
{
    unsigned lost = 0;
    bool hangs = false;
    for (size_t i = 0; i < snapshot->count; i++) {
        lost += told[i] ? snapshot->runtimes[i].threads : 0;
        hangs |= told[i] && verdict->runtimes[i].class == FP_CLASS_LOST;
    }
    fp_text_reset(text);
    fp_text_format(text, "forkpolicy: %s() %s in pid %d (", snapshot->call,
                   verdict->refuse ? "refused" : "goes on", (int)snapshot->pid);
    fp_text_quote(text, fp_slice_of(snapshot->program), 120);
    fp_text_format(text, "): the child %s without %u of %u threads%s\n",
                   verdict->refuse ? "would be" : "is", lost, snapshot->threads,
                   hangs ? ", and what needs them hangs" : "");
    add_at(text, snapshot);
    for (size_t i = 0; i < snapshot->count; i++)
        if (told[i])
            add_told(text, &snapshot->runtimes[i], verdict->runtimes[i].class);
    add_beside(text, snapshot, verdict, told);
    add_what_to_do(text, snapshot, told);
    fp_advice_values(text, snapshot, told, FP_WORD_SOURCE, LABEL("source  "), "\n");
    end_at_line(text);
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
        add_threads(text, &snapshot->runtimes[i]);
        fp_text_format(text, " of ");
        add_runtime_name(text, &snapshot->runtimes[i]);
        hangs |= verdict->runtimes[i].class == FP_CLASS_LOST;
        before = " and ";
    }
    fp_text_format(text, "%s. Instead: %s; ", hangs ? ", and would hang where it needs them" : "",
                   fp_advice_start(snapshot));
    fp_advice_values(text, snapshot, meant, FP_WORD_ADVICE, "or ", "; ");
    fp_text_format(text, "or ");
    fp_advice_off_entries(text, snapshot, meant);
}
