/* See log.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/record/log.h"

#include "cli/base/say.h"
#include "policy/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What every record of the shim begins with, up to its version. */
static const char BEGIN[] = "{\"v\":";

enum { BEGIN_LENGTH = sizeof BEGIN - 1 };

__attribute__((format(printf, 5, 6))) static void say_bad(const char *file, unsigned long line,
                                                          unsigned long column,
                                                          struct fp_log_count *count,
                                                          const char *format, ...)
{
    char reason[256];
    va_list arguments;
    if (count->bad++ >= FP_LOG_TOLD_MAX || count->silent)
        return;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    char quoted[sizeof reason * 4]; /* a parser's words repeat what it was given */
    struct fp_text text = FP_TEXT(quoted);
    fp_text_quote(&text, fp_slice_of(reason), sizeof reason);
    fp_cli_say("%s:%lu:%lu: %s; left out", file, line, column, quoted);
}

static bool has_version(const json_t *json, const struct fp_log_record *record,
                        struct fp_log_count *count)
{
    const json_t *member = json_object_get(json, "v");
    json_int_t version = json_integer_value(member);
    if (version == FP_LOG_VERSION)
        return true;
    if (!json_is_integer(member))
        say_bad(record->file, record->line, record->column, count,
                "no version in it: not a record of forkpolicy");
    else if (!count->foreign++ && !count->silent)
        fp_cli_say("%s:%lu:%lu: a record of version %lld, this program knows version %d; left out",
                   record->file, record->line, record->column, (long long)version, FP_LOG_VERSION);
    return false;
}

static void take(json_t *json, struct fp_log_record *record, fp_log_visit *visit, void *context,
                 struct fp_log_count *count)
{
    struct fp_cli_arena arena = {0};
    if (!has_version(json, record, count))
        return;
    fp_log_decode(&arena, json, record);
    if (*record->event && record->pid) {
        count->records++;
        visit(record, context);
    } else {
        say_bad(record->file, record->line, record->column, count, "no \"%s\" in the record",
                *record->event ? "pid" : "event");
    }
    fp_cli_arena_free(&arena);
}

/* The next record of a line, where its first one is broken: a writer that was cut off. */
static const char *next_begin(const char *from, const char *end)
{
    return from < end ? memmem(from, (size_t)(end - from), BEGIN, BEGIN_LENGTH) : NULL;
}

void fp_log_read_line(const char *file, unsigned long number, const char *line, size_t length,
                      fp_log_visit *visit, void *context, struct fp_log_count *count)
{
    const char *end = line + length, *at = line;
    while (end > line && (end[-1] == '\r' || end[-1] == ' '))
        end--;
    while (at && at < end) {
        json_error_t error;
        struct fp_log_record record = {
            .file = file, .line = number, .column = (unsigned long)(at - line) + 1};
        json_t *json = json_loadb(at, (size_t)(end - at), JSON_DISABLE_EOF_CHECK, &error);
        if (json_is_object(json)) {
            take(json, &record, visit, context, count);
            at += error.position;
        } else {
            /* The parser counts what it has taken, up to the byte that is wrong. */
            unsigned long before =
                json || error.position < 1 ? 0 : (unsigned long)error.position - 1;
            say_bad(file, number, record.column + before, count, "%s",
                    json ? "no JSON object" : error.text);
            at = next_begin(at + 1, end);
        }
        json_decref(json);
    }
}

void fp_log_say_rest(const char *file, const struct fp_log_count *count)
{
    if (count->silent)
        return;
    if (count->bad > FP_LOG_TOLD_MAX)
        fp_cli_say("%s: %lu more places that are no records; left out", file,
                   count->bad - FP_LOG_TOLD_MAX);
    if (count->foreign > 1)
        fp_cli_say("%s: %lu records of another version in all; left out", file, count->foreign);
}

/* Lines of a stream, block by block. */
struct reader {
    int file;
    size_t begin, end; /* what of the block is not read yet */
    bool failed;
    char block[FP_LOG_LINE_MAX * 4];
};

static bool fill(struct reader *reader)
{
    ssize_t length;
    do
        length =
            read(reader->file, reader->block + reader->end, sizeof reader->block - reader->end);
    while (length < 0 && errno == EINTR);
    reader->failed = length < 0;
    reader->end += length > 0 ? (size_t)length : 0;
    return length > 0;
}

/* The next line, without its end; NULL behind the last one. Of what is too long, the beginning. */
static const char *next_line(struct reader *reader, size_t *length, bool *too_long)
{
    size_t seen = 0;
    *too_long = false;
    for (;;) {
        char *line = reader->block + reader->begin;
        size_t held = reader->end - reader->begin;
        char *newline = held > seen ? memchr(line + seen, '\n', held - seen) : NULL;
        if (newline) {
            *length = (size_t)(newline - line);
            *too_long |= *length > FP_LOG_LINE_MAX;
            reader->begin += *length + 1;
            return line;
        }
        if (held > FP_LOG_LINE_MAX) { /* the rest of it is not needed */
            *too_long = true;
            held = 0;
        }
        seen = held;
        memmove(reader->block, line, held);
        reader->begin = 0;
        reader->end = held;
        if (!fill(reader)) {
            reader->end = 0;
            *length = held;
            return held || *too_long ? reader->block : NULL;
        }
    }
}

static bool read_file(const char *name, int file, fp_log_visit *visit, void *context,
                      struct fp_log_count *count)
{
    static struct reader reader;
    struct fp_log_count own = {.silent = count->silent};
    unsigned long number = 0;
    const char *line;
    size_t length;
    bool too_long;
    reader.file = file;
    reader.begin = reader.end = 0;
    while ((line = next_line(&reader, &length, &too_long))) {
        number++;
        if (too_long)
            say_bad(name, number, 1, &own, "a line of more than %d bytes", FP_LOG_LINE_MAX);
        else
            fp_log_read_line(name, number, line, length, visit, context, &own);
    }
    if (reader.failed && !own.silent)
        fp_cli_say("%s: %s", name, strerror(errno));
    fp_log_say_rest(name, &own);
    count->records += own.records;
    count->bad += own.bad;
    count->foreign += own.foreign;
    return !reader.failed;
}

/* What goes on for ever, or is none of ours to read, is no log: a disk, /dev/zero, a folder. */
static const char *why_no_log(int file)
{
    struct stat status;
    if (fstat(file, &status) != 0)
        return strerror(errno);
    if (S_ISDIR(status.st_mode))
        return "is a directory";
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode) && !isatty(file))
        return "is neither a file nor a pipe";
    return NULL;
}

bool fp_log_read(const char *path, fp_log_visit *visit, void *context, struct fp_log_count *count)
{
    if (strcmp(path, "-") == 0)
        return read_file("stdin", STDIN_FILENO, visit, context, count);
    FILE *stream = fopen(path, "re");
    const char *wrong = stream ? why_no_log(fileno(stream)) : strerror(errno);
    bool good = !wrong && read_file(path, fileno(stream), visit, context, count);
    if (wrong)
        fp_cli_say("%s: %s", path, wrong);
    if (stream)
        (void)fclose(stream);
    return good;
}
