/*
 * `forkpolicy explain LOG[:N]`: one record in the words of the shim, and what else the log knows of
 * its process. See explain.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/explain/explain.h"

#include "cli/base/say.h"
#include "cli/explain/notes.h"
#include "cli/record/decode.h"
#include "policy/hang_message.h"
#include "policy/message.h"
#include "policy/phrases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { STACK_SHOWN = 12 /* by the message itself */ };

/* What the message calls the program: the log has its name alone, and that of few processes. */
static const char *program_of(const struct fp_story *story, const char *decoded)
{
    return *decoded ? decoded : story->program && *story->program ? story->program : "its program";
}

/* The frames for which there was no room in the message. */
static void print_stacks(const struct fp_story *story, const struct fp_hang *hang)
{
    char line[1024];
    for (size_t i = STACK_SHOWN; i < hang->python_count; i++) {
        struct fp_text text = FP_TEXT(line);
        fp_text_quote(&text, fp_slice_of(hang->python[i].file), 300);
        fprintf(story->stream, "  python   %zu: %s:%d in %s\n", i, line, hang->python[i].line,
                fp_story_quoted(hang->python[i].function).text);
    }
    for (size_t i = STACK_SHOWN; i < hang->native_count; i++) {
        struct fp_text text = FP_TEXT(line);
        fp_text_quote(&text, fp_slice_of(hang->native[i].dso), 300);
        fprintf(story->stream, "  native   %zu: %s %s+0x%lx\n", i, line,
                fp_story_quoted(hang->native[i].symbol).text, hang->native[i].offset);
    }
}

static bool say_hang(const struct fp_story *story, struct fp_cli_arena *arena, struct fp_text *text)
{
    struct fp_hang hang;
    bool whole = fp_decode_hang(arena, &story->chosen.record, &hang);
    hang.program = program_of(story, hang.program);
    if (story->fork.record.there) { /* it knows better */
        struct fp_site site;
        fp_decode_site(arena, &story->fork.record.fork.site, &site);
        hang.fork.origin = fp_decode_fork_origin(&story->fork.record.fork, &site);
    }
    fp_message_hang(text, &hang);
    fprintf(story->stream, "%s", text->data);
    if (hang.outcome == FP_OUTCOME_RAISED) {
        fp_message_hang_error(text, &hang);
        fprintf(story->stream, "\nForkPolicyError: %s\n", text->data);
    }
    print_stacks(story, &hang);
    return whole;
}

/* A fork that the shim said nothing of: its policy was not to. */
static void say_silent_fork(const struct fp_story *story, struct fp_decoded_fork *fork,
                            struct fp_text *text)
{
    bool any = false;
    for (size_t i = 0; i < fork->snapshot.count; i++)
        any |= fork->told[i] = fork->verdict.runtimes[i].class == FP_CLASS_LOST;
    if (any) {
        fp_message_fork(text, &fork->snapshot, &fork->verdict, fork->told);
        fprintf(story->stream, "The policy had the shim be silent here. Its words:\n%s",
                text->data);
        return;
    }
    fprintf(story->stream, "Nothing that is known to hang was lost, and the shim was silent.\n");
    for (size_t i = 0; i < fork->snapshot.count; i++) {
        fp_text_reset(text);
        fp_add_runtime_name(text, &fork->snapshot.runtimes[i]);
        fp_text_format(text, ": ");
        fp_add_threads(text, &fork->snapshot.runtimes[i]);
        fprintf(story->stream, "  %s; %s, %s\n", text->data,
                fp_class_name(fork->verdict.runtimes[i].class),
                fp_action_name(fork->verdict.runtimes[i].action));
    }
}

static bool say_fork(const struct fp_story *story, struct fp_cli_arena *arena, struct fp_text *text)
{
    struct fp_decoded_fork *fork = fp_cli_arena_take(arena, sizeof *fork);
    bool whole = fp_decode_fork(arena, &story->chosen.record, fork);
    fork->snapshot.program = program_of(story, fork->snapshot.program);
    if (!fork->verdict.tell && !fork->verdict.refuse) {
        say_silent_fork(story, fork, text);
        return whole;
    }
    fp_message_fork(text, &fork->snapshot, &fork->verdict, fork->told);
    fprintf(story->stream, "%s", text->data);
    if (fork->verdict.refuse) {
        fp_message_refusal(text, &fork->snapshot, &fork->verdict);
        fprintf(story->stream, "\nForkPolicyError: %s\n", text->data);
    }
    return whole;
}

static bool say_use(const struct fp_story *story, struct fp_cli_arena *arena, struct fp_text *text)
{
    struct fp_decoded_use use;
    bool whole = fp_decode_use(arena, &story->chosen.record, &use);
    fp_message_use(text, use.pid, program_of(story, use.program), &use.runtime, use.call,
                   &use.fork);
    fprintf(story->stream, "%s", text->data);
    return whole;
}

static bool say_crash(const struct fp_story *story, struct fp_cli_arena *arena,
                      struct fp_text *text)
{
    struct fp_crash *crash = fp_cli_arena_take(arena, sizeof *crash);
    bool whole = fp_decode_crash(arena, &story->chosen.record, crash);
    crash->program = program_of(story, crash->program);
    fp_message_crash(text, crash);
    fprintf(story->stream, "%s", text->data);
    return whole;
}

/* Records that have no message: their members as they stand. */
static bool say_members(const struct fp_story *story)
{
    json_t *member;
    const char *key;
    json_object_foreach(story->chosen.record.json, key, member)
    {
        char *value = json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
        fprintf(story->stream, "  %-12s %s\n", fp_story_quoted(key).text, value ? value : "");
        free(value);
    }
    return true;
}

static bool say_record(const struct fp_story *story)
{
    static char buffer[4 * FP_EVENT_MAX];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    fp_text_reset(&text);
    enum fp_log_event kind = story->chosen.record.kind;
    bool whole = kind == FP_LOG_HANG                             ? say_hang(story, &arena, &text)
                 : kind == FP_LOG_USE                            ? say_use(story, &arena, &text)
                 : kind == FP_LOG_CRASH                          ? say_crash(story, &arena, &text)
                 : kind == FP_LOG_FORK || kind == FP_LOG_REFUSED ? say_fork(story, &arena, &text)
                                                                 : say_members(story);
    fp_cli_arena_free(&arena);
    return whole;
}

static void print_head(const struct fp_story *story, const char *path)
{
    char shown[40] = "";
    const struct fp_log_record *record = &story->chosen.record;
    time_t moment = record->time > 0 && record->time < 1e11 ? (time_t)record->time : 0;
    struct tm parts;
    if (gmtime_r(&moment, &parts))
        strftime(shown, sizeof shown, "%Y-%m-%d %H:%M:%S", &parts);
    fprintf(story->stream, "%s:%lu: %s, %s UTC, host %s", path, record->line,
            fp_story_quoted(record->event).text, shown, fp_story_quoted(record->host).text);
    fprintf(story->stream, "%s%s\n", *record->rank ? ", rank " : "",
            fp_story_quoted(record->rank).text);
}

static void print_notes(const struct fp_story *story)
{
    const struct fp_log_record *fork = &story->fork.record;
    if (fork->there || story->note_count)
        fprintf(story->stream, "\nin the same log:\n");
    if (fork->there)
        fprintf(story->stream, "  %-8s line %lu: by pid %d; threads: %lu, runtimes: %zu\n",
                "forked", fork->line, (int)fork->pid, fork->threads, fork->runtimes.count);
    for (size_t i = 0; i < story->note_count; i++)
        fprintf(story->stream, "  %-8s %s\n", story->notes[i].label, story->notes[i].text);
    if (story->notes_omitted)
        fprintf(story->stream, "  and %lu more lines\n", story->notes_omitted);
}

static bool is_file(const char *path)
{
    struct stat status;
    bool there = stat(path, &status) == 0;
    if (there && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
        return true; /* the reader says what is wrong with a folder */
    fp_cli_say("%s: %s", path,
               there ? "explain reads a log twice: it must be a file" : strerror(errno));
    return false;
}

int fp_explain_log(FILE *stream, const char *path, unsigned long number)
{
    struct fp_story story = {.stream = stream, .wanted = number, .telling = -1};
    struct fp_log_count count = {0}, again = {.silent = true};
    if (!is_file(path) || !fp_log_read(path, fp_story_choose, &story, &count))
        return FP_EXIT_USAGE;
    if (!story.chosen.record.there) {
        if (number)
            fp_cli_say("%s:%lu: there is no record on this line", path, number);
        else
            fp_cli_say("%s: there is no record in it", path);
        return FP_EXIT_USAGE;
    }
    fp_log_read(path, fp_story_relate, &story, &again);
    print_head(&story, path);
    if (!say_record(&story))
        fprintf(stream, "(the record is not whole: what it lacks is left open above)\n");
    print_notes(&story);
    fp_story_free(&story);
    return 0;
}
