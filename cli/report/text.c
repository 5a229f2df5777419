/*
 * The summary for people: a block for each place that forks, a line for each runtime there, and
 * once for each runtime what to do. See formats.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/formats.h"
#include "cli/report/missing.h"
#include "cli/report/story.h"
#include "cli/report/unmatched.h"

#include <string.h>

enum { COLUMNS = 5, WIDEST = 44 };

struct table {
    FILE *stream;
    int widths[COLUMNS];
    char cells[COLUMNS][600];
};

static int width_of(const char *string)
{
    int width = 0;
    for (; *string; string++)
        width += ((unsigned char)*string & 0xc0) != 0x80;
    return width;
}

static void fill_cells(struct table *table, const struct fp_tally_row *row)
{
    struct fp_text threads = FP_TEXT(table->cells[2]), what = FP_TEXT(table->cells[4]);
    snprintf(table->cells[0], sizeof table->cells[0], "%s", fp_story_word(row));
    snprintf(table->cells[1], sizeof table->cells[1], "%s", row->label);
    fp_text_reset(&threads);
    table->cells[3][0] = '\0';
    if (row->is_known) {
        fp_story_threads(&threads, row);
        snprintf(table->cells[3], sizeof table->cells[3], "%s, %s", fp_class_name(row->class),
                 fp_action_name(row->action));
    }
    fp_text_reset(&what);
    fp_story_what(&what, row);
}

static void measure(struct table *table, struct fp_tally *tally)
{
    FP_EACH_ROW(tally, site, row)
    {
        fill_cells(table, row);
        for (size_t i = 0; i < COLUMNS; i++) {
            int width = width_of(table->cells[i]);
            width = width > WIDEST ? WIDEST : width;
            table->widths[i] = width > table->widths[i] ? width : table->widths[i];
        }
    }
}

static void print_row(struct table *table, const struct fp_tally_row *row)
{
    char line[1200];
    fill_cells(table, row);
    fputs(" ", table->stream);
    for (size_t i = 0; i + 1 < COLUMNS; i++)
        fprintf(table->stream, " %s%*s", table->cells[i],
                1 + (table->widths[i] > width_of(table->cells[i])
                         ? table->widths[i] - width_of(table->cells[i])
                         : 0),
                "");
    fprintf(table->stream, " %s\n", table->cells[COLUMNS - 1]);
    for (size_t i = 0; i < row->wait_count; i++) {
        struct fp_text text = FP_TEXT(line);
        fp_text_reset(&text);
        fp_story_wait(&text, &row->waits[i]);
        fprintf(table->stream, "  %*s%s\n", table->widths[0] + 2, "", line);
    }
    if (row->waits_omitted)
        fprintf(table->stream, "  %*sand %lu times at other lines\n", table->widths[0] + 2, "",
                row->waits_omitted);
}

static bool is_helped_by_another_start(const struct fp_tally_site *site)
{
    for (const struct fp_tally_row *row = site->rows; row; row = row->hh.next)
        if (row->finding < FP_FINDING_REST && !*row->fix)
            return true;
    return false;
}

static void print_site(struct table *table, const struct fp_tally_site *site)
{
    unsigned long forks = site->forks + site->refused;
    fprintf(table->stream, "\n%s\n", site->label);
    if (forks)
        fprintf(table->stream, "  %lu fork%s by %lu process%s", forks, forks == 1 ? "" : "s",
                site->processes, site->processes == 1 ? "" : "es");
    if (site->refused)
        fprintf(table->stream, ", %lu refused", site->refused);
    fprintf(table->stream, "%s", forks ? "\n" : "");
    for (const struct fp_tally_row *row = site->rows; row; row = row->hh.next)
        print_row(table, row);
    if (is_helped_by_another_start(site))
        fprintf(table->stream, "  do       %s\n", site->advice);
}

static void print_line(FILE *stream, const char *label, const char *value)
{
    char line[512];
    struct fp_text text = FP_TEXT(line);
    fp_text_reset(&text);
    fp_text_quote(&text, fp_slice_of(value), 300);
    if (*line)
        fprintf(stream, "  %-8s %s\n", label, line);
}

static void print_advice_of(FILE *stream, const struct fp_tally_row *row)
{
    size_t skipped = *row->fix ? 0 : 1; /* the site's own is said there */
    const char *advice;
    fprintf(stream, "\n%s\n", row->label);
    for (size_t nth = skipped; (advice = fp_tally_advice(row, nth)); nth++)
        print_line(stream, nth == skipped ? "do" : "or", advice);
    print_line(stream, "source", row->source);
}

/* Once for each runtime, whatever the number of places that fork with it. */
static void print_advice(FILE *stream, const struct fp_tally *tally)
{
    struct fp_set told = {0};
    FP_EACH_ROW(tally, site, row)
    if (row->finding < FP_FINDING_REST && (row->advice_count || *row->fix) &&
        fp_set_add(&told, fp_hash_string(row->label, 0)))
        print_advice_of(stream, row);
    fp_set_free(&told);
}

static void print_timings(FILE *stream, const char *kind, struct fp_tally_timing *timings,
                          unsigned long least)
{
    char line[512];
    for (struct fp_tally_timing *timing = timings; timing; timing = timing->hh.next) {
        struct fp_text text = FP_TEXT(line);
        if (timing->longest < least && !timing->errors)
            continue;
        fp_text_format(&text, "%s ", kind);
        fp_text_quote(&text, fp_slice_of(timing->label), 120);
        fp_text_format(&text, "%s", *timing->what ? ", " : "");
        fp_text_quote(&text, fp_slice_of(timing->what), 120);
        fp_text_format(&text, ": %lu time%s, median %lu us, longest %lu us", timing->count,
                       timing->count == 1 ? "" : "s", fp_timing_median(timing), timing->longest);
        fprintf(stream, "%s", line);
        if (timing->errors) {
            fp_text_reset(&text);
            fp_text_quote(&text, fp_slice_of(timing->error), 200);
            fprintf(stream, "; %lu failed: %s", timing->errors, line);
        }
        fputc('\n', stream);
    }
}

static void print_rest(FILE *stream, struct fp_tally *tally)
{
    enum { LONG_MICROSECONDS = 10000 }; /* somebody waits for a fork that takes it */
    char line[1200];
    print_timings(stream, "reset", tally->resets, 0);
    print_timings(stream, "carry", tally->carries, 0);
    print_timings(stream, "handler", tally->handlers, LONG_MICROSECONDS);
    if (tally->quiet + tally->unquiet) {
        struct fp_text text = FP_TEXT(line);
        fp_text_quote(&text, fp_slice_of(tally->busy_thread), 64);
        fprintf(stream, "quiesce: %lu forks waited, %lu in vain; longest %lu us, for thread %s\n",
                tally->quiet + tally->unquiet, tally->unquiet, tally->longest_quiesce, line);
    }
    if (tally->severed + tally->shared)
        fprintf(stream,
                "sever: %lu TCP connections of parents cut off in the child, %lu shared "
                "with it\n",
                tally->severed, tally->shared);
    for (struct fp_tally_error *error = tally->errors; error; error = error->hh.next) {
        struct fp_text text = FP_TEXT(line);
        fp_text_reset(&text);
        fp_text_quote(&text, fp_slice_of(error->message), 300);
        fprintf(stream, "error of the shim, %lu time%s: %s\n", error->count,
                error->count == 1 ? "" : "s", line);
    }
    if (tally->rows_omitted)
        fprintf(stream,
                "%lu things are not in this summary: there are more than %d places and "
                "runtimes\n",
                tally->rows_omitted, FP_TALLY_ROWS_MAX);
}

static bool has_rest(const struct fp_tally *tally)
{
    return tally->resets || tally->carries || tally->handlers || tally->errors ||
           tally->rows_omitted || tally->quiet + tally->unquiet + tally->severed + tally->shared;
}

bool fp_report_text(FILE *stream, struct fp_tally *tally, size_t logs)
{
    static struct table table;
    char line[600];
    struct fp_text text = FP_TEXT(line);
    table = (struct table){.stream = stream};
    fp_text_reset(&text);
    fp_story_sources(&text, tally, logs);
    fprintf(stream, "%s\n", line);
    fp_text_reset(&text);
    fp_story_sum(&text, tally);
    fprintf(stream, "%s\n", line);
    measure(&table, tally);
    for (struct fp_tally_site *site = tally->sites; site; site = site->hh.next)
        print_site(&table, site);
    fp_report_missing(stream, tally);
    print_advice(stream, tally);
    fp_print_unmatched(stream, tally);
    if (has_rest(tally)) {
        fputc('\n', stream);
        print_rest(stream, tally);
    }
    return !ferror(stream);
}
