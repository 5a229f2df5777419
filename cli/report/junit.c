/*
 * JUnit's XML: what hung, most likely hung or was refused has failed; what may hang has passed,
 * with the same words as its output. See formats.h. SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/report/formats.h"
#include "cli/report/story.h"

#include <string.h>

/* XML 1.0 has no way to say most control characters, U+FFFE and U+FFFF. What came from a log is
   valid UTF-8, as its reader takes nothing else. */
static void put_xml(FILE *stream, const char *string, bool attribute)
{
    for (const unsigned char *at = (const unsigned char *)string; *at; at++) {
        if (at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe) {
            fputs("\xef\xbf\xbd", stream);
            at += 2;
        } else if (*at < 0x20 && (attribute || (*at != '\n' && *at != '\t'))) {
            fputs(*at == '\n' || *at == '\t' ? " " : "\xef\xbf\xbd", stream);
        } else if (strchr("<>&\"'", *at)) {
            fprintf(stream, "&#%u;", *at);
        } else {
            putc_unlocked(*at, stream);
        }
    }
}

static void put_attribute(FILE *stream, const char *name, const char *value)
{
    fprintf(stream, " %s=\"", name);
    put_xml(stream, value, true);
    fputc('"', stream);
}

static void put_report(FILE *stream, const struct fp_tally_row *row)
{
    char lines[8192];
    struct fp_text text = FP_TEXT(lines);
    fp_story_lines(&text, row);
    put_xml(stream, lines, false);
    if (*row->message)
        fputc('\n', stream);
    put_xml(stream, row->message, false);
}

static void put_case(FILE *stream, const struct fp_tally_row *row)
{
    char title[1024], name[1200];
    struct fp_text text = FP_TEXT(title), name_text = FP_TEXT(name);
    enum fp_weight weight = fp_story_weight(row);
    fp_story_what(&text, row);
    fp_text_format(&name_text, "%s", row->label);
    if (row->site->line)
        fp_text_format(&name_text, " at line %lu", row->site->line);
    fputs("  <testcase", stream);
    put_attribute(stream, "classname", *row->site->file ? row->site->file : row->site->label);
    put_attribute(stream, "name", name);
    put_attribute(stream, "time", "0");
    if (weight == FP_WEIGHT_NONE) {
        fputs("/>\n", stream);
        return;
    }
    fputs(">\n", stream);
    if (weight == FP_WEIGHT_ERROR) {
        fputs("    <failure", stream);
        put_attribute(stream, "type", fp_story_word(row));
        put_attribute(stream, "message", title);
        fputc('>', stream);
    } else {
        fputs("    <system-out>", stream);
        put_xml(stream, title, false);
        fputc('\n', stream);
    }
    put_report(stream, row);
    fprintf(stream, "</%s>\n  </testcase>\n", weight == FP_WEIGHT_ERROR ? "failure" : "system-out");
}

bool fp_report_junit(FILE *stream, struct fp_tally *tally, size_t logs)
{
    size_t cases = 0, failures = 0;
    (void)logs;
    FP_EACH_ROW(tally, site, row)
    {
        cases++;
        failures += fp_story_weight(row) == FP_WEIGHT_ERROR;
    }
    fprintf(stream,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite "
            "name=\"forkpolicy\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\" "
            "time=\"0\">\n",
            cases, failures);
    FP_EACH_ROW(tally, site, row)
    put_case(stream, row);
    fputs("</testsuite>\n</testsuites>\n", stream);
    return !ferror(stream);
}
