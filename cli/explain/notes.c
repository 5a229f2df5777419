/* See notes.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/notes.h"

#include "cli/record/decode.h"
#include "policy/phrases.h"

#include <stdlib.h>
#include <string.h>

static int telling(const struct fp_log_record *record)
{
    switch (record->kind) {
    case FP_LOG_HANG:
        return 10 + (int)record->grade;
    case FP_LOG_CRASH:
        return 6;
    case FP_LOG_REFUSED:
        return 5;
    case FP_LOG_USE:
        return 4;
    case FP_LOG_FORK:
        return fp_log_loses(record) ? 3 : 2;
    case FP_LOG_START:
        return 0;
    default:
        return 1;
    }
}

void fp_story_choose(const struct fp_log_record *record, void *context)
{
    struct fp_story *story = context;
    int tells = telling(record);
    if ((story->wanted && record->line != story->wanted) || tells < story->telling)
        return;
    fp_log_keep(&story->chosen, record);
    story->telling = tells;
}

/* The process that forked the one that the record is about. */
static pid_t parent_of(const struct fp_story *story)
{
    const struct fp_log_record *chosen = &story->chosen.record;
    return chosen->fork.parent ? chosen->fork.parent : chosen->parent;
}

__attribute__((format(printf, 4, 5))) static void add_note(struct fp_story *story,
                                                           unsigned long line, const char *label,
                                                           const char *format, ...)
{
    va_list arguments;
    if (story->note_count == FP_NOTES_MAX) {
        story->notes_omitted++;
        return;
    }
    struct fp_note *note = &story->notes[story->note_count++];
    struct fp_text text = FP_TEXT(note->text);
    note->label = label;
    fp_text_format(&text, "line %lu: ", line);
    va_start(arguments, format);
    fp_text_vformat(&text, format, arguments);
    va_end(arguments);
}

static const char *runtime_name(const struct fp_log_runtime *runtime)
{
    static char name[256];
    struct fp_text text = FP_TEXT(name);
    if (runtime->there)
        fp_decode_runtime_name(&text, runtime);
    else
        fp_text_format(&text, "it is not known what");
    return name;
}

struct fp_quoted fp_story_quoted(const char *string)
{
    struct fp_quoted quoted;
    struct fp_text text = FP_TEXT(quoted.text);
    fp_text_reset(&text);
    fp_text_quote(&text, fp_slice_of(string), 120);
    return quoted;
}

/* A line without a file is none. */
static bool is_same_line(const struct fp_log_line *a, const struct fp_log_line *b)
{
    if (!a || !b || !*a->file || !*b->file)
        return (!a || !*a->file) && (!b || !*b->file);
    return a->line == b->line && strcmp(a->file, b->file) == 0;
}

/* Whether two hangs wait at the same line, in the same call, for the same. */
static bool is_alike(const struct fp_log_record *a, const struct fp_log_record *b)
{
    return strcmp(a->waiting.call, b->waiting.call) == 0 &&
           is_same_line(fp_log_site_line(&a->waiting.site), fp_log_site_line(&b->waiting.site)) &&
           strcmp(a->runtime.name, b->runtime.name) == 0;
}

static void relate_fork(struct fp_story *story, const struct fp_log_record *record, pid_t pid)
{
    if (record->child && record->child == pid && record->pid == parent_of(story))
        fp_log_keep(&story->fork, record); /* the last one: numbers are used again */
    if (record->pid == pid)
        add_note(story, record->line, record->kind == FP_LOG_FORK ? "forks" : "refused",
                 "%s(), child %ld, runtimes: %zu", fp_story_quoted(record->call).text,
                 (long)record->child, record->runtimes.count);
}

static void relate_program(struct fp_story *story, const struct fp_log_record *record, pid_t pid)
{
    bool own = record->pid == pid;
    if (story->own_program || (!own && record->pid != parent_of(story)))
        return;
    free(story->program);
    story->program = strdup(record->program);
    story->own_program = own;
}

static void relate_hang(struct fp_story *story, const struct fp_log_record *record, pid_t pid)
{
    const struct fp_log_record *chosen = &story->chosen.record;
    bool ours = record->pid == pid;
    pid_t child = chosen->kind == FP_LOG_FORK ? chosen->child : 0;
    if (ours || record->pid == child)
        add_note(story, record->line, "hangs", "pid %ld, %s, for %s", (long)record->pid,
                 fp_story_quoted(record->verdict).text, runtime_name(&record->runtime));
    else if (chosen->kind == FP_LOG_HANG && is_alike(chosen, record))
        add_note(story, record->line, "alike", "pid %ld hung the same way, %s", (long)record->pid,
                 fp_story_quoted(record->verdict).text);
}

/* By this process, or by the one that forked it. */
static void relate_deed(struct fp_story *story, const struct fp_log_record *record)
{
    if (record->kind == FP_LOG_RESET)
        add_note(story, record->line, "reset", "%s, by %s: %s", runtime_name(&record->runtime),
                 fp_story_quoted(record->function).text,
                 *record->error ? fp_story_quoted(record->error).text : "done");
    else if (record->kind == FP_LOG_ERROR)
        add_note(story, record->line, "error", "%s", fp_story_quoted(record->message).text);
}

void fp_story_relate(const struct fp_log_record *record, void *context)
{
    struct fp_story *story = context;
    const struct fp_log_record *chosen = &story->chosen.record;
    bool same_host = strcmp(record->host, chosen->host) == 0;
    pid_t pid = chosen->pid;
    if (record->line == chosen->line || (!same_host && record->kind != FP_LOG_HANG))
        return;
    if (record->kind == FP_LOG_HANG)
        relate_hang(story, record, same_host ? pid : 0);
    else if (record->kind == FP_LOG_FORK || record->kind == FP_LOG_REFUSED)
        relate_fork(story, record, pid);
    else if (record->kind == FP_LOG_START)
        relate_program(story, record, pid);
    else if (record->kind == FP_LOG_USE && record->pid == pid)
        add_note(story, record->line, "uses", "%s, by %s", runtime_name(&record->runtime),
                 fp_story_quoted(record->call).text);
    else if (record->pid == pid || record->pid == parent_of(story))
        relate_deed(story, record);
}

void fp_story_free(struct fp_story *story)
{
    fp_log_drop(&story->chosen);
    fp_log_drop(&story->fork);
    free(story->program);
}
