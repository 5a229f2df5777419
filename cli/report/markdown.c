/*
 * Markdown for the summary of a step: a table, worst first, and what to do. What would not fit into
 * the room is counted. See formats.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/formats.h"
#include "cli/report/story.h"

#include <string.h>

enum { TAIL = 200 }; /* kept free for the line that counts */

struct page {
    FILE *stream;
    size_t room;
    unsigned long omitted;
};

/* Nothing that came from a log is markup: neither Markdown's nor HTML's. */
static void add_escaped(struct fp_text *text, const char *string)
{
    for (; *string; string++) {
        unsigned char byte = (unsigned char)*string;
        if (strchr("&<>|*_`[]\\~#@$", *string))
            fp_text_format(text, "&#%u;", byte);
        else
            fp_text_append(text, string, 1);
    }
}

/* All of a block, or nothing. */
static void put(struct page *page, const struct fp_text *text)
{
    if (text->cut || text->length + TAIL > page->room) {
        page->omitted++;
        return;
    }
    fputs(text->data, page->stream);
    page->room -= text->length;
}

static void put_row(struct page *page, const struct fp_tally_row *row)
{
    char buffer[8192], cell[1024];
    struct fp_text text = FP_TEXT(buffer), part = FP_TEXT(cell);
    fp_text_format(&text, "| ");
    add_escaped(&text, fp_story_word(row));
    fp_text_format(&text, " | ");
    add_escaped(&text, row->label);
    fp_text_format(&text, " | ");
    add_escaped(&text, row->site->label);
    fp_text_format(&text, " | ");
    fp_story_what(&part, row);
    add_escaped(&text, cell);
    for (size_t i = 0; i < row->wait_count; i++) {
        fp_text_reset(&part);
        fp_story_wait(&part, &row->waits[i]);
        fp_text_format(&text, "<br>");
        add_escaped(&text, cell);
    }
    fp_text_format(&text, " |\n");
    put(page, &text);
}

static void put_advice(struct page *page, const struct fp_tally_row *row)
{
    char buffer[8192], value[1024];
    struct fp_text text = FP_TEXT(buffer);
    fp_text_format(&text, "- **");
    add_escaped(&text, row->label);
    fp_text_format(&text, "**: ");
    const char *advice;
    for (size_t nth = 0; (advice = fp_tally_advice(row, nth)); nth++) {
        struct fp_text part = FP_TEXT(value);
        fp_text_reset(&part);
        fp_text_quote(&part, fp_slice_of(advice), 300);
        fp_text_format(&text, nth ? "; or " : "");
        add_escaped(&text, value);
    }
    fp_text_format(&text, "\n");
    put(page, &text);
}

static void put_head(struct page *page, const struct fp_tally *tally, size_t logs)
{
    char buffer[2048], line[800];
    struct fp_text text = FP_TEXT(buffer), part = FP_TEXT(line);
    fp_text_format(&text, "### Forks\n\n");
    fp_story_sum(&part, tally);
    add_escaped(&text, line);
    fp_text_format(&text, "\n\n");
    fp_text_reset(&part);
    fp_story_sources(&part, tally, logs);
    add_escaped(&text, line);
    fp_text_format(&text, "\n\n");
    put(page, &text);
}

bool fp_report_markdown(FILE *stream, struct fp_tally *tally, size_t logs, size_t room)
{
    static const char HEAD[] =
        "| | runtime | fork | what became of it |\n| --- | --- | --- | --- |\n";
    struct page page = {stream, room, 0};
    struct fp_set told = {0};
    bool any = false;
    put_head(&page, tally, logs);
    FP_EACH_ROW(tally, site, row)
    {
        if (fp_story_weight(row) == FP_WEIGHT_NONE)
            continue;
        if (!any)
            put(&page,
                &(struct fp_text){(char *)(uintptr_t)HEAD, sizeof HEAD, sizeof HEAD - 1, false});
        any = true;
        put_row(&page, row);
    }
    if (any)
        put(&page, &(struct fp_text){(char[]){"\n"}, 2, 1, false});
    FP_EACH_ROW(tally, site, row)
    if (fp_story_weight(row) != FP_WEIGHT_NONE && fp_set_add(&told, fp_hash_string(row->label, 0)))
        put_advice(&page, row);
    if (page.omitted && page.room >= TAIL)
        fprintf(stream, "\n%lu more lines: there is no room for them in this summary.\n",
                page.omitted);
    fp_set_free(&told);
    return !ferror(stream);
}
