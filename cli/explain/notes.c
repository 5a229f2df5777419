/* See notes.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/notes.h"

#include "cli/record/decode.h"
#include "policy/phrases.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool fp_story_is(const json_t *record, const char *event)
{
    return strcmp(fp_log_string(record, "event"), event) == 0;
}

static bool loses(const json_t *record)
{
    const json_t *runtimes = json_object_get(record, "runtimes"), *runtime;
    size_t i;
    json_array_foreach(runtimes, i, runtime)
    {
        if (fp_decode_class(runtime) == FP_CLASS_LOST)
            return true;
    }
    return false;
}

static int telling(const json_t *record)
{
    if (fp_story_is(record, "hang"))
        return 10 + (int)fp_decode_grade(fp_log_string(record, "verdict"));
    if (fp_story_is(record, "crash"))
        return 6;
    if (fp_story_is(record, "refused"))
        return 5;
    if (fp_story_is(record, "use"))
        return 4;
    if (fp_story_is(record, "fork"))
        return loses(record) ? 3 : 2;
    return fp_story_is(record, "start") ? 0 : 1;
}

void fp_story_choose(const struct fp_log_record *record, void *context)
{
    struct fp_story *story = context;
    int tells = telling(record->json);
    if ((story->wanted && record->line != story->wanted) || tells < story->telling)
        return;
    json_decref(story->record);
    story->record = json_incref(record->json);
    story->line = record->line;
    story->telling = tells;
}

long fp_story_pid(const json_t *record, const char *key)
{
    return (long)fp_log_integer(record, key, INT_MAX);
}

/* The process that forked the one that the record is about. */
static long parent_of(const struct fp_story *story)
{
    long parent = fp_story_pid(json_object_get(story->record, "fork"), "parent");
    return parent ? parent : fp_story_pid(story->record, "ppid");
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

static const char *runtime_name(const json_t *json)
{
    static char name[256];
    struct fp_text text = FP_TEXT(name);
    if (json_is_object(json))
        fp_decode_runtime_name(&text, json);
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

/* Whether two hangs wait at the same line, in the same call, for the same. */
static bool is_alike(const json_t *a, const json_t *b)
{
    const json_t *left = json_object_get(a, "waiting"), *right = json_object_get(b, "waiting");
    const json_t *left_line = fp_log_site_line(json_object_get(left, "site"));
    const json_t *right_line = fp_log_site_line(json_object_get(right, "site"));
    return strcmp(fp_log_string(left, "call"), fp_log_string(right, "call")) == 0 &&
           strcmp(fp_log_place(left_line), fp_log_place(right_line)) == 0 &&
           strcmp(fp_log_string(json_object_get(a, "lost"), "name"),
                  fp_log_string(json_object_get(b, "lost"), "name")) == 0;
}

static void relate_fork(struct fp_story *story, const struct fp_log_record *record, long pid)
{
    long child = fp_story_pid(record->json, "child");
    if (child && child == pid && record->pid == parent_of(story)) {
        json_decref(story->fork); /* the last one: numbers are used again */
        story->fork = json_incref(record->json);
        story->fork_line = record->line;
    }
    if (record->pid == pid)
        add_note(story, record->line, fp_story_is(record->json, "fork") ? "forks" : "refused",
                 "%s(), child %ld, runtimes: %zu",
                 fp_story_quoted(fp_log_string(record->json, "call")).text, child,
                 json_array_size(json_object_get(record->json, "runtimes")));
}

static void relate_program(struct fp_story *story, const struct fp_log_record *record, long pid)
{
    bool own = record->pid == pid;
    if (story->own_program || (!own && record->pid != parent_of(story)))
        return;
    free(story->program);
    story->program = strdup(fp_log_string(record->json, "program"));
    story->own_program = own;
}

static void relate_hang(struct fp_story *story, const struct fp_log_record *record, long pid)
{
    const json_t *json = record->json;
    bool ours = record->pid == pid;
    long child = fp_story_is(story->record, "fork") ? fp_story_pid(story->record, "child") : 0;
    if (ours || record->pid == child)
        add_note(story, record->line, "hangs", "pid %ld, %s, for %s", record->pid,
                 fp_story_quoted(fp_log_string(json, "verdict")).text,
                 runtime_name(json_object_get(json, "lost")));
    else if (fp_story_is(story->record, "hang") && is_alike(story->record, json))
        add_note(story, record->line, "alike", "pid %ld hung the same way, %s", record->pid,
                 fp_story_quoted(fp_log_string(json, "verdict")).text);
}

void fp_story_relate(const struct fp_log_record *record, void *context)
{
    struct fp_story *story = context;
    const char *event = record->event, *host = fp_log_string(story->record, "host");
    long pid = fp_story_pid(story->record, "pid"), parent = parent_of(story);
    bool same_host = strcmp(record->host, host) == 0;
    if (record->line == story->line || (!same_host && strcmp(event, "hang") != 0))
        return;
    if (strcmp(event, "hang") == 0)
        relate_hang(story, record, same_host ? pid : 0);
    else if (strcmp(event, "fork") == 0 || strcmp(event, "refused") == 0)
        relate_fork(story, record, pid);
    else if (strcmp(event, "start") == 0)
        relate_program(story, record, pid);
    else if (strcmp(event, "use") == 0 && record->pid == pid)
        add_note(story, record->line, "uses", "%s, by %s",
                 runtime_name(json_object_get(record->json, "runtime")),
                 fp_story_quoted(fp_log_string(record->json, "call")).text);
    else if (strcmp(event, "reset") == 0 && (record->pid == pid || record->pid == parent))
        add_note(story, record->line, "reset", "%s, by %s: %s", runtime_name(record->json),
                 fp_story_quoted(fp_log_string(record->json, "function")).text,
                 *fp_log_string(record->json, "error")
                     ? fp_story_quoted(fp_log_string(record->json, "error")).text
                     : "done");
    else if (strcmp(event, "error") == 0 && (record->pid == pid || record->pid == parent))
        add_note(story, record->line, "error", "%s",
                 fp_story_quoted(fp_log_string(record->json, "message")).text);
}

void fp_story_free(struct fp_story *story)
{
    json_decref(story->record);
    json_decref(story->fork);
    free(story->program);
}
