/*
 * Any bytes as a log: every format is made of it and is what it claims to be, the policy of it can
 * be read again, and each of its records can be explained.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/base/say.h"
#include "cli/explain/explain.h"
#include "cli/report/formats.h"
#include "cli/report/keep.h"
#include "cli/report/report.h"
#include "policy/policy_text.h"
#include "tests/fuzz/fuzz.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* In place of the program's: what it would say is formatted, and must be one clean line. */
void fp_cli_say(const char *format, ...)
{
    char line[8192];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    MUST(length > 0);
    for (const char *at = line; *at; at++)
        MUST((unsigned char)*at >= 0x20 && *at != 0x7f);
}

struct reading {
    struct fp_tally tally;
    struct fp_kept kept;
};

static void visit(const struct fp_log_record *record, void *context)
{
    struct reading *reading = context;
    MUST(record->line >= 1 && record->column >= 1 && *record->event && record->pid > 0);
    fp_tally_add(&reading->tally, record);
    fp_keep(&reading->kept, record);
}

/* A string of a format that is made of a tally. */
static char *made_by(bool (*format)(FILE *, struct fp_tally *, size_t), struct fp_tally *tally)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    MUST(stream && format(stream, tally, 1));
    (void)fclose(stream);
    MUST(strlen(text) == size);
    return text;
}

static void check_clean(const char *text)
{
    for (; *text; text++)
        MUST((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t');
}

static void check_policy(struct fp_tally *tally)
{
    static struct fp_policy_file file;
    struct fp_problem problem = {.count = 0};
    char *text = made_by(fp_report_policy, tally);
    check_clean(text);
    fp_policy_file_parse(&file, "made", fp_slice_of(text), &problem);
    size_t entries = 0;
    for (const char *at = text; (at = strstr(at, "\npolicy ")); at++)
        entries++;
    MUST(!problem.count && file.rules.count == entries);
    free(text);
}

static void check_github(struct fp_tally *tally)
{
    char *text = made_by(fp_report_github, tally), *at = text;
    unsigned lines = 0;
    check_clean(text);
    for (; *at; at = strchr(at, '\n') + 1) {
        MUST(strncmp(at, "::error ", 8) == 0 || strncmp(at, "::warning ", 10) == 0 ||
             strncmp(at, "::notice ", 9) == 0);
        lines++;
    }
    MUST(lines >= 1 && lines <= 21);
    free(text);
}

static void check_json(char *text)
{
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    MUST(json);
    json_decref(json);
    free(text);
}

static bool markdown(FILE *stream, struct fp_tally *tally, size_t logs)
{
    return fp_report_markdown(stream, tally, logs, 4096);
}

static void check_formats(struct fp_tally *tally)
{
    bool (*const formats[])(FILE *, struct fp_tally *, size_t) = {fp_report_text, fp_report_junit,
                                                                  markdown};
    fp_tally_sort(tally);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char *text = made_by(formats[i], tally);
        check_clean(text);
        MUST(formats[i] != markdown || strlen(text) <= 4096);
        free(text);
    }
    check_policy(tally);
    check_github(tally);
    check_json(made_by(fp_report_gitlab, tally));
}

static void check_drawn(struct fp_kept *kept)
{
    json_t *records = fp_kept_sorted(kept);
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    MUST(stream && fp_report_perfetto(stream, records, 3));
    (void)fclose(stream);
    check_json(text);
    stream = open_memstream(&text, &size);
    MUST(stream && fp_report_html(stream, records, 3, NULL));
    (void)fclose(stream);
    free(text);
    json_decref(records);
}

/* Explains what tells most, and the second line. */
static void explain(const char *path)
{
    FILE *kept = stdout;
    char *text = NULL;
    size_t size = 0;
    stdout = open_memstream(&text, &size);
    MUST(stdout);
    fp_explain_log(stdout, path, 0);
    fp_explain_log(stdout, path, 2);
    (void)fclose(stdout);
    stdout = kept;
    check_clean(text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reading reading;
    struct fp_log_count count = {0};
    char path[64];
    int file = memfd_create("log", MFD_CLOEXEC);
    memset(&reading.tally, 0, sizeof reading.tally);
    MUST(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    MUST(fp_log_read(path, visit, &reading, &count));
    MUST(count.records == reading.tally.records);
    check_formats(&reading.tally);
    check_drawn(&reading.kept);
    explain(path);
    fp_tally_free(&reading.tally);
    close(file);
    return 0;
}
