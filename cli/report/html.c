/*
 * The page of a log: page.html with its style, its script and the records put in.
 *
 * Records are data of a job that may be hostile: they stand in the page as JSON, in ASCII and
 * without `<`, which a browser neither runs nor takes for markup, and only scripts that bear this
 * page's nonce may run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/report/report.h"

#include "cli/record/log.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern const char fp_page_html[], fp_page_css[], fp_page_js[]; /* page.S */

struct page {
    FILE *stream;
    const json_t *records, *before;
    unsigned long omitted;
    char nonce[33];
};

static bool make_nonce(char *nonce, size_t size)
{
    unsigned char bytes[16];
    if (syscall(SYS_getrandom, bytes, sizeof bytes, 0) != (long)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(nonce + 2 * i, size - 2 * i, "%02x", bytes[i]);
    return true;
}

/* In JSON these three stand in strings only, where an escape means the same. */
static int add_json(const char *buffer, size_t size, void *context)
{
    FILE *stream = (FILE *)context;
    for (size_t i = 0; i < size; i++) {
        if (strchr("<>&", buffer[i]) && buffer[i])
            fprintf(stream, "\\u%04x", (unsigned)buffer[i]);
        else
            putc_unlocked(buffer[i], stream);
    }
    return ferror(stream) ? -1 : 0;
}

/* One record a line, for who reads the page's source. ASCII alone: no character of a record can
   turn the direction of what follows it. */
static bool add_records(const struct page *page, const json_t *records)
{
    size_t flags = JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY | JSON_REAL_PRECISION(16);
    fputs("[", page->stream);
    for (size_t i = 0; i < json_array_size(records); i++) {
        fputs(i ? ",\n" : "", page->stream);
        if (json_dump_callback(json_array_get(records, i), add_json, page->stream, flags))
            return false;
    }
    fputs("]", page->stream);
    return true;
}

/* For readers without JavaScript: "12 records: 1 hang, 3 forks." */
static void add_summary(const struct page *page)
{
    static const enum fp_log_event EVENTS[] = {FP_LOG_HANG, FP_LOG_USE, FP_LOG_REFUSED, FP_LOG_FORK,
                                               FP_LOG_RESET};
    static const char *const WORDS[][2] = {
        {"hang", "hangs"},
        {"use of a runtime lost in a fork", "uses of runtimes lost in a fork"},
        {"refused fork", "refused forks"},
        {"fork", "forks"},
        {"reset", "resets"}};
    size_t counts[sizeof EVENTS / sizeof *EVENTS] = {0}, total = json_array_size(page->records);
    for (size_t i = 0; i < total; i++) {
        enum fp_log_event event = fp_log_event_of(json_array_get(page->records, i));
        for (size_t j = 0; j < sizeof EVENTS / sizeof *EVENTS; j++)
            counts[j] += event == EVENTS[j];
    }
    fprintf(page->stream, "%zu record%s", total, total == 1 ? "" : "s");
    const char *before = ": ";
    for (size_t i = 0; i < sizeof EVENTS / sizeof *EVENTS; i++) {
        if (!counts[i])
            continue;
        fprintf(page->stream, "%s%zu %s", before, counts[i], WORDS[i][counts[i] != 1]);
        before = ", ";
    }
    if (page->omitted)
        fprintf(page->stream, "; %lu more were left out", page->omitted);
    fputs(".", page->stream);
}

/* What stands in page.html between two pairs of braces. */
static bool add_part(const struct page *page, const char *name, size_t length)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"nonce", page->nonce}, {"style", fp_page_css}, {"script", fp_page_js}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strlen(texts[i].name) == length && memcmp(texts[i].name, name, length) == 0)
            return fputs(texts[i].text, page->stream) >= 0;
    if (length == strlen("records") && memcmp(name, "records", length) == 0)
        return add_records(page, page->records);
    if (length == strlen("before") && memcmp(name, "before", length) == 0)
        return page->before ? add_records(page, page->before) : fputs("null", page->stream) >= 0;
    if (length == strlen("summary") && memcmp(name, "summary", length) == 0)
        add_summary(page);
    else
        fprintf(page->stream, "%lu", page->omitted);
    return true;
}

bool fp_report_html(FILE *stream, const json_t *records, unsigned long omitted,
                    const json_t *before)
{
    struct page page = {.stream = stream, .records = records, .before = before, .omitted = omitted};
    const char *at = fp_page_html, *open;
    if (!make_nonce(page.nonce, sizeof page.nonce))
        return false;
    for (; (open = strstr(at, "{{")); at = strstr(open, "}}") + 2) {
        fwrite(at, 1, (size_t)(open - at), stream);
        open += 2;
        if (!add_part(&page, open, (size_t)(strstr(open, "}}") - open)))
            return false;
    }
    fputs(at, stream);
    return fflush(stream) == 0 && !ferror(stream);
}
