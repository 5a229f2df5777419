/*
 * Workflow commands of GitHub Actions: an annotation at the line of the fork for each runtime that
 * was found there. GitHub shows ten errors and ten warnings of a step; the rest is counted in a
 * notice. See formats.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/base/say.h"
#include "cli/report/formats.h"
#include "cli/report/story.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ANNOTATIONS_MAX = 10, SUMMARY_MAX = 1024 * 1024 };

/* As the toolkit's escapeData and escapeProperty do. */
static void put_escaped(FILE *stream, const char *string, const char *special)
{
    for (; *string; string++) {
        if (strchr(special, *string))
            fprintf(stream, "%%%02X", (unsigned char)*string);
        else
            putc_unlocked(*string, stream);
    }
}

static void put_data(FILE *stream, const char *string)
{
    put_escaped(stream, string, "%\r\n");
}

static void put_property(FILE *stream, const char *string)
{
    put_escaped(stream, string, "%\r\n:,");
}

static void put_annotation(FILE *stream, const char *command, const struct fp_tally_row *row)
{
    char title[1024], lines[8192];
    struct fp_text title_text = FP_TEXT(title), text = FP_TEXT(lines);
    const struct fp_tally_site *site = row->site;
    fp_story_title(&title_text, row);
    fp_story_lines(&text, row);
    if (text.length && lines[text.length - 1] == '\n')
        lines[text.length - 1] = '\0';
    fprintf(stream, "::%s ", command);
    if (*site->file) {
        fputs("file=", stream);
        put_property(stream, fp_story_relative(site->file, "GITHUB_WORKSPACE"));
        if (site->line)
            fprintf(stream, ",line=%lu", site->line);
        fputc(',', stream);
    }
    fputs("title=", stream);
    put_property(stream, title);
    fputs("::", stream);
    put_data(stream, lines);
    fputc('\n', stream);
}

/* Behind what other steps of the same step wrote there. */
static bool append_summary(const char *path, struct fp_tally *tally, size_t logs)
{
    struct stat status;
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    FILE *stream = file >= 0 ? fdopen(file, "a") : NULL;
    bool good = stream && fstat(file, &status) == 0;
    if (good && status.st_size < SUMMARY_MAX)
        good = fp_report_markdown(stream, tally, logs, SUMMARY_MAX - (size_t)status.st_size);
    if (stream)
        good = fclose(stream) == 0 && good;
    if (!good)
        fp_cli_say("GITHUB_STEP_SUMMARY %s: %s", path, strerror(errno));
    return good;
}

bool fp_report_github(FILE *stream, struct fp_tally *tally, size_t logs)
{
    static const char *const COMMANDS[] = {"error", "warning"};
    size_t found[] = {0, 0};
    const char *summary = getenv("GITHUB_STEP_SUMMARY");
    FP_EACH_ROW(tally, site, row)
    {
        enum fp_weight weight = fp_story_weight(row);
        if (weight != FP_WEIGHT_NONE && found[weight]++ < ANNOTATIONS_MAX)
            put_annotation(stream, COMMANDS[weight], row);
    }
    size_t errors = found[0] > ANNOTATIONS_MAX ? found[0] - ANNOTATIONS_MAX : 0;
    size_t warnings = found[1] > ANNOTATIONS_MAX ? found[1] - ANNOTATIONS_MAX : 0;
    if (errors + warnings)
        fprintf(stream,
                "::notice title=forkpolicy::%zu more errors and %zu more warnings: GitHub shows "
                "%d of each; `forkpolicy report` prints all\n",
                errors, warnings, ANNOTATIONS_MAX);
    if (!found[0] && !found[1]) {
        char line[600];
        struct fp_text text = FP_TEXT(line);
        fp_story_sum(&text, tally);
        fprintf(stream, "::notice title=forkpolicy::");
        put_data(stream, line);
        fputc('\n', stream);
    }
    bool good = !summary || !*summary || append_summary(summary, tally, logs);
    return good && !ferror(stream);
}
