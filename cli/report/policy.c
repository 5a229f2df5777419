/*
 * A policy file for what was seen: an entry for each runtime that is not fine at the line of a
 * fork, and why. See formats.h. SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/formats.h"
#include "cli/report/story.h"
#include "policy/policy_text.h"

#include <string.h>

/* The entries so far, for the same as one string. */
struct entries {
    char buffer[FP_POLICY_STRING_MAX];
    struct fp_text text;
};

/* A glob that matches these bytes alone; '?' stands for what cannot be written in an entry. */
static void add_glob(struct fp_text *text, const char *bytes)
{
    for (const char *at = bytes; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == ',' || *at == ' ')
            fp_text_format(text, "?");
        else
            fp_text_format(text, strchr("*?[\\@:#", *at) ? "\\%c" : "%c", *at);
    }
}

/* "*" "/libx.so": a library is known by its file's name. */
static void add_pattern(struct fp_text *text, const char *name)
{
    bool is_path = strchr(name, '/');
    fp_text_format(text, is_path ? "*/" : "");
    add_glob(text, is_path ? fp_basename(name) : name);
}

/* "@FILE:LINE"; nothing where it is not known who forked. */
static void add_place(struct fp_text *text, const struct fp_tally_site *site)
{
    const char *file = *site->file ? site->file : site->dso;
    bool is_cut = strncmp(file, "...", 3) == 0; /* of a long path the log has the end */
    if (!*file)
        return;
    fp_text_format(text, is_cut ? "@*" : "@");
    add_glob(text, file + (is_cut ? 3 : 0));
    if (*site->file && site->line)
        fp_text_format(text, ":%lu", site->line);
}

/* What is to be done about a runtime, and why; NULL: nothing needs to be. */
static const char *entry_for(const struct fp_tally_row *row, const char **why)
{
    if (row->finding == FP_FINDING_REST)
        return NULL;
    bool hung = row->finding <= FP_FINDING_STRONG;
    if (row->class == FP_CLASS_RESET && !(hung && row->action == FP_ACTION_RESET)) {
        *why = "it can be made usable in the child";
        return "reset";
    }
    switch (row->finding) {
    case FP_FINDING_PROVEN:
    case FP_FINDING_STRONG:
        *why = "a child hung: better an error at the fork's line";
        return "refuse";
    case FP_FINDING_CRASHED:
        *why = "a child that lost it crashed: better an error at the fork's line";
        return "refuse";
    case FP_FINDING_REFUSED:
        *why = "its fork was refused, and is to be until that line is changed";
        return "refuse";
    case FP_FINDING_SUSPECTED:
    case FP_FINDING_USED:
        *why = "children use it: one that hangs is to get an error";
        return "fail";
    case FP_FINDING_LOST:
        *why = "no child was seen to use it: one that does and hangs is to get an error";
        return "fail";
    case FP_FINDING_REST:
    case FP_FINDING_COUNT:
        break;
    }
    return NULL;
}

static void print_comment(FILE *stream, const struct fp_tally_row *row, const char *why)
{
    char line[3000];
    struct fp_text text = FP_TEXT(line);
    fp_text_format(&text, "\n# ");
    fp_story_title(&text, row);
    fp_text_format(&text, "\n# at %s\n# %s", row->site->label, why);
    fprintf(stream, "%s\n", line);
}

static void print_entry(FILE *stream, struct entries *entries, const char *action, const char *what)
{
    char line[1400];
    struct fp_text text = FP_TEXT(line);
    fp_text_format(&text, "%s%s:%s", entries->text.length ? "," : "", action, what);
    fprintf(stream, "policy %s:%s\n", action, what);
    if (entries->text.length + text.length < entries->text.size)
        fp_text_append(&entries->text, line, text.length);
}

/* One entry; false where there is none to write. */
static bool print_row(FILE *stream, struct entries *entries, struct fp_set *told,
                      const struct fp_tally_row *row)
{
    const char *why, *action = entry_for(row, &why);
    char line[1300];
    struct fp_text what = FP_TEXT(line);
    if (!action || !*row->entry)
        return false;
    add_pattern(&what, row->entry);
    add_place(&what, row->site);
    if (what.cut || !fp_set_add(told, fp_hash_string(line, 0)))
        return false; /* the worst of a runtime at one line comes first */
    print_comment(stream, row, why);
    if (row->finding == FP_FINDING_LOST)
        fprintf(stream, "# or, where no child is to use it: allow %s because ...\n", line);
    print_entry(stream, entries, action, line);
    return true;
}

bool fp_report_policy(FILE *stream, struct fp_tally *tally, size_t logs)
{
    static struct entries entries;
    char line[600];
    struct fp_text text = FP_TEXT(line);
    struct fp_set told = {0};
    size_t count = 0;
    entries.text = (struct fp_text)FP_TEXT(entries.buffer);
    fp_text_reset(&entries.text);
    fp_text_format(&text, "# A policy for FORKPOLICY_FILE, from ");
    fp_story_sources(&text, tally, logs);
    fprintf(stream,
            "%s\n#\n# Each entry is for the line of a fork that was seen; any other fork is told "
            "as before.\n",
            line);
    FP_EACH_ROW(tally, site, row)
    if (count < FP_RULES_MAX)
        count += print_row(stream, &entries, &told, row);
    fp_set_free(&told);
    if (count)
        fprintf(stream, "\n# The same for FORKPOLICY: %s\n", entries.buffer);
    return !ferror(stream);
}
