/* See story.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/report/story.h"

#include "policy/phrases.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum fp_weight fp_story_weight(const struct fp_tally_row *row)
{
    switch (row->finding) {
    case FP_FINDING_PROVEN:
    case FP_FINDING_STRONG:
    case FP_FINDING_CRASHED:
    case FP_FINDING_REFUSED:
        return FP_WEIGHT_ERROR;
    case FP_FINDING_SUSPECTED:
    case FP_FINDING_USED:
    case FP_FINDING_LOST:
        return FP_WEIGHT_WARNING;
    case FP_FINDING_REST:
    case FP_FINDING_COUNT:
        break;
    }
    return FP_WEIGHT_NONE;
}

const char *fp_story_word(const struct fp_tally_row *row)
{
    static const char *const WORDS[FP_FINDING_COUNT] = {
        [FP_FINDING_PROVEN] = "HUNG",      [FP_FINDING_STRONG] = "hung?",
        [FP_FINDING_SUSPECTED] = "waits?", [FP_FINDING_REFUSED] = "refused",
        [FP_FINDING_USED] = "used",        [FP_FINDING_LOST] = "lost",
        [FP_FINDING_CRASHED] = "crashed",
    };
    static const char *const REST[FP_CLASS_COUNT] = {
        [FP_CLASS_UNKNOWN] = "unknown", [FP_CLASS_SURVIVES] = "fine",  [FP_CLASS_RESET] = "dead",
        [FP_CLASS_LOST] = "lost",       [FP_CLASS_REFUSES] = "raises",
    };
    if (row->finding < FP_FINDING_REST)
        return WORDS[row->finding];
    if (row->class == FP_CLASS_RESET && row->action == FP_ACTION_RESET)
        return "reset";
    return row->class == FP_CLASS_LOST && row->action == FP_ACTION_OFF ? "off" : REST[row->class];
}

void fp_story_threads(struct fp_text *text, const struct fp_tally_row *row)
{
    fp_text_format(text, "%u ", row->threads);
    fp_text_quote(text, fp_slice_of(row->kind), 40);
    fp_text_format(text, " thread%s", fp_plural(row->threads));
}

static void add_times(struct fp_text *text, const char *what, unsigned long count)
{
    if (count == 1)
        fp_text_format(text, "%s once", what);
    else
        fp_text_format(text, "%s %lu times", what, count);
}

static void add_outcomes(struct fp_text *text, const struct fp_tally_row *row)
{
    static const char *const WORDS[] = {
#define FP_OUTCOME(NAME, name, now, later, counted) counted,
#include "policy/outcomes.def"
    };
    const char *before = ": ";
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (!row->outcomes[i])
            continue;
        fp_text_format(text, "%s%lu %s", before, row->outcomes[i], WORDS[i]);
        before = ", ";
    }
}

static void add_hangs(struct fp_text *text, const struct fp_tally_row *row)
{
    static const char *const SURE[] = {[FP_GRADE_PROVEN] = "proven",
                                       [FP_GRADE_STRONG] = "most likely",
                                       [FP_GRADE_SUSPECTED] = "it seems"};
    const char *before = "";
    for (int grade = FP_GRADE_PROVEN; grade > FP_GRADE_NONE; grade--) {
        if (!row->hangs[grade])
            continue;
        fp_text_format(text, "%s", before);
        add_times(text, "hung", row->hangs[grade]);
        fp_text_format(text, ", %s", SURE[grade]);
        before = "; ";
    }
    add_outcomes(text, row);
}

static const char *what_of_class(const struct fp_tally_row *row)
{
    if (row->class == FP_CLASS_SURVIVES)
        return "works in the child by itself";
    if (row->class == FP_CLASS_LOST)
        return row->action == FP_ACTION_OFF
                   ? "lost in the child; the policy is off for it"
                   : "lost in a child that C code forked, to exec, it seems";
    if (row->class == FP_CLASS_RESET && row->action == FP_ACTION_RESET)
        return "made usable in the child";
    return fp_class_message(row->class);
}

void fp_story_what(struct fp_text *text, const struct fp_tally_row *row)
{
    switch (row->finding) {
    case FP_FINDING_PROVEN:
    case FP_FINDING_STRONG:
    case FP_FINDING_SUSPECTED:
        add_hangs(text, row);
        break;
    case FP_FINDING_CRASHED:
        add_times(text, "a child that lost it crashed", row->crashes);
        fp_text_format(text, ", by ");
        fp_text_quote(text, fp_slice_of(row->signal), 32);
        break;
    case FP_FINDING_REFUSED:
        add_times(text, "its fork was refused", row->refused);
        break;
    case FP_FINDING_USED:
        fp_text_format(text, "called in children that are without its threads: ");
        add_times(text, "noted", row->uses);
        break;
    case FP_FINDING_LOST:
        fp_text_format(text, "hangs in the child where it is used; no child was seen to");
        break;
    case FP_FINDING_REST:
    case FP_FINDING_COUNT:
        fp_text_format(text, "%s", what_of_class(row));
        break;
    }
}

void fp_story_wait(struct fp_text *text, const struct fp_tally_wait *wait)
{
    fp_text_format(text, "waits %s ", *wait->place ? "at" : "in");
    if (*wait->place)
        fp_text_format(text, "%s", wait->place); /* quoted when it was kept */
    else
        fp_text_quote(text, fp_slice_of(*wait->code ? wait->code : "code without a name"), 120);
    fp_text_format(text, ": ");
    fp_text_quote(text, fp_slice_of(*wait->call ? wait->call : "a call that is not known"), 64);
    if (wait->count > 1)
        fp_text_format(text, ", %lu times", wait->count);
}

void fp_story_title(struct fp_text *text, const struct fp_tally_row *row)
{
    fp_text_format(text, "%s: ", row->label);
    fp_story_what(text, row);
}

static void add_line(struct fp_text *text, const char *label, const char *value)
{
    fp_text_format(text, "%s", label);
    fp_text_quote(text, fp_slice_of(value), 300);
    fp_text_format(text, "\n");
}

void fp_story_lines(struct fp_text *text, const struct fp_tally_row *row)
{
    for (size_t i = 0; i < row->wait_count; i++) {
        fp_story_wait(text, &row->waits[i]);
        fp_text_format(text, "\n");
    }
    fp_text_format(text, "fork: %s\n", row->site->label);
    unsigned long forks = row->site->forks + row->site->refused;
    if (row->is_known) {
        fp_text_format(text, "lost there: ");
        fp_story_threads(text, row);
        fp_text_format(text, "; class %s, action %s; %lu fork%s by %lu process%s\n",
                       fp_class_name(row->class), fp_action_name(row->action), forks,
                       forks == 1 ? "" : "s", row->site->processes,
                       row->site->processes == 1 ? "" : "es");
    }
    const char *advice;
    for (size_t nth = 0; (advice = fp_tally_advice(row, nth)); nth++)
        add_line(text, nth ? "or: " : "do: ", advice);
    if (*row->source)
        add_line(text, "source: ", row->source);
}

static void add_count(struct fp_text *text, const char *before, const struct fp_set *set,
                      const char *one, const char *many)
{
    fp_text_format(text, "%s%s%zu %s", before, set->full ? "more than " : "", set->count,
                   set->count == 1 ? one : many);
}

static time_t clamped(double seconds)
{
    return seconds > 0 && seconds < 1e11 ? (time_t)seconds : 0;
}

static void add_time(struct fp_text *text, const char *before, bool day, double seconds)
{
    char shown[32] = "";
    time_t moment = clamped(seconds);
    struct tm parts;
    if (!gmtime_r(&moment, &parts))
        return;
    if (day)
        strftime(shown, sizeof shown, "%Y-%m-%d %H:%M:%S", &parts);
    else
        strftime(shown, sizeof shown, "%H:%M:%S", &parts);
    fp_text_format(text, "%s%s", before, shown);
}

void fp_story_sources(struct fp_text *text, const struct fp_tally *tally, size_t logs)
{
    fp_text_format(text, "%zu log%s, %lu record%s", logs, logs == 1 ? "" : "s", tally->records,
                   tally->records == 1 ? "" : "s");
    if (!tally->records)
        return;
    add_count(text, " of ", &tally->processes, "process", "processes");
    add_count(text, " on ", &tally->hosts, "host", "hosts");
    if (tally->ranks.count)
        add_count(text, ", ", &tally->ranks, "rank", "ranks");
    if (tally->first <= 0)
        return;
    bool same_day = clamped(tally->first) / 86400 == clamped(tally->last) / 86400;
    add_time(text, ", ", true, tally->first);
    if (clamped(tally->last) != clamped(tally->first))
        add_time(text, " to ", !same_day, tally->last);
    fp_text_format(text, " UTC");
}

void fp_story_sum(struct fp_text *text, const struct fp_tally *tally)
{
    static const char *const WORDS[FP_FINDING_COUNT] = {
        [FP_FINDING_PROVEN] = "hung",
        [FP_FINDING_STRONG] = "most likely hung",
        [FP_FINDING_SUSPECTED] = "may have hung",
        [FP_FINDING_CRASHED] = "lost in a child that crashed",
        [FP_FINDING_REFUSED] = "refused",
        [FP_FINDING_USED] = "used in the child",
        [FP_FINDING_LOST] = "lost",
    };
    unsigned long found[FP_FINDING_COUNT] = {0}, forks = tally->forks + tally->refused;
    unsigned sites = HASH_COUNT(tally->sites);
    const char *before = "; of their runtimes ";
    FP_EACH_ROW(tally, site, row)
    found[row->finding]++;
    if (!sites) {
        fp_text_format(text,
                       "the logs contain no fork of a process with other threads: the job made "
                       "none, or the shim was not in the processes that did");
        return;
    }
    fp_text_format(text, "%lu fork%s at %u place%s", forks, forks == 1 ? "" : "s", sites,
                   fp_plural(sites));
    for (size_t i = 0; i < FP_FINDING_REST; i++) {
        if (!found[i])
            continue;
        fp_text_format(text, "%s%lu %s", before, found[i], WORDS[i]);
        before = ", ";
    }
    if (*before == ';')
        fp_text_format(text, "; nothing was lost that is known to hang, and nothing hung");
}

const char *fp_story_relative(const char *path, const char *variable)
{
    const char *root = getenv(variable);
    size_t length = root ? strlen(root) : 0;
    while (length && root[length - 1] == '/')
        length--;
    if (!length || strncmp(path, root, length) != 0 || path[length] != '/')
        return path;
    path += length;
    return path + strspn(path, "/");
}
