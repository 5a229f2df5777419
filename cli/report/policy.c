/*
 * A policy file for what was seen: an entry for each runtime that is not fine, and why.
 * See formats.h. SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/formats.h"
#include "cli/report/story.h"
#include "policy/glob.h"
#include "policy/policy_text.h"

#include <string.h>

/* The entries so far, for the same as one string. */
struct entries {
    char buffer[FP_POLICY_STRING_MAX];
    struct fp_text text;
};

/* An entry's pattern that matches this name alone; false where the grammar cannot say it. */
static bool add_pattern(struct fp_text *text, const char *name)
{
    char buffer[512];
    struct fp_text pattern = FP_TEXT(buffer);
    size_t offset;
    const char *base = strchr(name, '/') ? fp_basename(name) : name;
    fp_text_format(&pattern, base == name ? "" : "*/");
    for (const char *at = base; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f || *at == ',' || *at == ' ')
            return false;
        fp_text_format(&pattern, strchr("*?[\\", *at) ? "\\%c" : "%c", *at);
    }
    if (!*base || pattern.cut || fp_glob_check((struct fp_slice){buffer, pattern.length}, &offset))
        return false;
    fp_text_append(text, buffer, pattern.length);
    return true;
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
        *why = "no child was seen to use it: one that does and hangs is to get an error; \"off\" "
               "would accept it";
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

static void print_entry(FILE *stream, struct entries *entries, const struct fp_tally_row *row,
                        const char *action, const char *why)
{
    char line[600];
    struct fp_text text = FP_TEXT(line);
    print_comment(stream, row, why);
    fp_text_format(&text, "%s:", action);
    if (!add_pattern(&text, row->entry)) {
        fputs("# (no entry can name it)\n", stream);
        return;
    }
    fprintf(stream, "policy %s\n", line);
    if (entries->text.length + text.length + 1 < entries->text.size)
        fp_text_format(&entries->text, ",%s", line);
}

bool fp_report_policy(FILE *stream, struct fp_tally *tally, size_t logs)
{
    static struct entries entries;
    char line[600];
    struct fp_text text = FP_TEXT(line);
    struct fp_set told = {0};
    size_t count = 0;
    entries.text = (struct fp_text)FP_TEXT(entries.buffer);
    fp_text_format(&entries.text, "fail");
    fp_text_format(&text, "# A policy for FORKPOLICY_FILE, from ");
    fp_story_sources(&text, tally, logs);
    fprintf(stream,
            "%s\n#\n# What no entry names: a child that waits for ever gets an error.\n"
            "policy fail\n",
            line);
    FP_EACH_ROW(tally, site, row)
    {
        const char *why, *action = entry_for(row, &why);
        if (!action || !*row->entry || count == FP_RULES_MAX - 1 ||
            !fp_set_add(&told, fp_hash_string(row->entry, 0)))
            continue; /* the worst place of a runtime comes first */
        print_entry(stream, &entries, row, action, why);
        count++;
    }
    fp_set_free(&told);
    fprintf(stream, "\n# The same for FORKPOLICY: %s\n", entries.buffer);
    return !ferror(stream);
}
