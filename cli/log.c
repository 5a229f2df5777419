/* See log.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/log.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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
    if (count->bad++ >= FP_LOG_TOLD_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    fp_cli_say("%s:%lu:%lu: %s; left out", file, line, column, reason);
}

static bool has_version(const json_t *json, const struct fp_log_record *record,
                        struct fp_log_count *count)
{
    json_int_t version = json_integer_value(json_object_get(json, "v"));
    if (version == FP_LOG_VERSION)
        return true;
    if (!count->foreign++)
        fp_cli_say("%s:%lu:%lu: a record of version %lld, this program knows version %d; left out",
                   record->file, record->line, record->column, (long long)version, FP_LOG_VERSION);
    return false;
}

static void take(json_t *json, struct fp_log_record *record, fp_log_visit *visit, void *context,
                 struct fp_log_count *count)
{
    if (!has_version(json, record, count))
        return;
    record->json = json;
    record->event = fp_log_string(json, "event");
    record->time = fp_log_number(json, "time");
    record->pid = (long)fp_log_number(json, "pid");
    record->parent = (long)fp_log_number(json, "ppid");
    record->host = fp_log_string(json, "host");
    if (!*record->event || record->pid <= 0) {
        say_bad(record->file, record->line, record->column, count, "no \"%s\" in the record",
                *record->event ? "pid" : "event");
        return;
    }
    count->records++;
    visit(record, context);
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
        if (json && json_is_object(json)) {
            take(json, &record, visit, context, count);
            at += error.position;
        } else {
            say_bad(file, number, record.column + (json ? 0 : (unsigned long)error.position), count,
                    "%s", json ? "no JSON object" : error.text);
            at = next_begin(at + 1, end);
        }
        json_decref(json);
    }
}

void fp_log_say_rest(const char *file, const struct fp_log_count *count)
{
    if (count->bad > FP_LOG_TOLD_MAX)
        fp_cli_say("%s: %lu more places that are no records; left out", file,
                   count->bad - FP_LOG_TOLD_MAX);
    if (count->foreign > 1)
        fp_cli_say("%s: %lu records of another version in all; left out", file, count->foreign);
}

/* One line into the buffer; its length, -1 at the end. What is too long is skipped up to its end.
 */
static long read_line(FILE *stream, char *buffer, bool *too_long)
{
    size_t length = 0;
    int byte;
    *too_long = false;
    while ((byte = getc_unlocked(stream)) != EOF && byte != '\n') {
        if (length < FP_LOG_LINE_MAX)
            buffer[length++] = (char)byte;
        else
            *too_long = true;
    }
    return byte == EOF && !length ? -1 : (long)length;
}

static bool read_stream(const char *file, FILE *stream, fp_log_visit *visit, void *context,
                        struct fp_log_count *count)
{
    static char buffer[FP_LOG_LINE_MAX];
    struct fp_log_count own = {0};
    unsigned long number = 0;
    bool too_long;
    long length;
    while ((length = read_line(stream, buffer, &too_long)) >= 0) {
        number++;
        if (too_long)
            say_bad(file, number, 1, &own, "a line of more than %d bytes", FP_LOG_LINE_MAX);
        else
            fp_log_read_line(file, number, buffer, (size_t)length, visit, context, &own);
    }
    fp_log_say_rest(file, &own);
    count->records += own.records;
    count->bad += own.bad;
    count->foreign += own.foreign;
    if (ferror(stream))
        fp_cli_say("%s: %s", file, strerror(errno));
    return !ferror(stream);
}

bool fp_log_read(const char *path, fp_log_visit *visit, void *context, struct fp_log_count *count)
{
    if (strcmp(path, "-") == 0)
        return read_stream("stdin", stdin, visit, context, count);
    FILE *stream = fopen(path, "re");
    if (!stream) {
        fp_cli_say("%s: %s", path, strerror(errno));
        return false;
    }
    bool good = read_stream(path, stream, visit, context, count);
    fclose(stream);
    return good;
}

const char *fp_log_string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

double fp_log_number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

const char *fp_log_place(const json_t *object)
{
    static char places[4][4096];
    static unsigned next;
    const char *file = fp_log_string(object, "file");
    char *place = places[next++ % 4];
    if (!*file)
        return "";
    snprintf(place, sizeof places[0], "%s:%ld", file, (long)fp_log_number(object, "line"));
    return place;
}

const json_t *fp_log_site_line(const json_t *site)
{
    static const char *const KEYS[] = {"user", "library", "innermost"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const json_t *line = json_object_get(site, KEYS[i]);
        if (json_is_object(line))
            return line;
    }
    return NULL;
}
