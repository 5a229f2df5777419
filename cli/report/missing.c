/*
 * What worked in parents and not in their children, though no child was seen to wait for it: a
 * scheduler, an exporter. See formats.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/missing.h"

#include "cli/base/arena.h"
#include "cli/report/story.h"
#include "policy/phrases.h"

#include <uthash.h>

/* A runtime, or the threads of one line, whatever the places that forked beside it. */
struct missing {
    UT_hash_handle hh;
    uint64_t key;
    const struct fp_tally_row *row; /* the one with the most threads */
    unsigned long children, places;
};

/* A thread of which nothing is known but its name may be the kernel's own (io_uring). */
static bool is_missing(const struct fp_tally_row *row)
{
    bool named = *row->name || *row->package || *row->started || *row->dso;
    bool gone = row->class == FP_CLASS_UNKNOWN || row->class == FP_CLASS_LOST ||
                (row->class == FP_CLASS_RESET && row->action < FP_ACTION_RESET);
    return row->is_known && named && gone && row->children && row->action != FP_ACTION_OFF &&
           row->finding >= FP_FINDING_LOST;
}

static void add(struct fp_cli_arena *arena, struct missing **all, const struct fp_tally_row *row)
{
    struct missing *missing;
    uint64_t key = fp_hash_string(row->label, fp_hash_string(row->started, 6));
    HASH_FIND(hh, *all, &key, sizeof key, missing);
    if (!missing) {
        missing = fp_cli_arena_take(arena, sizeof *missing);
        missing->key = key;
        missing->row = row;
        HASH_ADD(hh, *all, key, sizeof missing->key, missing);
    }
    if (row->threads > missing->row->threads)
        missing->row = row;
    missing->children += row->children;
    missing->places++;
}

static void print(FILE *stream, const struct missing *missing)
{
    char line[1200];
    struct fp_text text = FP_TEXT(line);
    const struct fp_tally_row *row = missing->row;
    fp_text_format(&text, "%s: ", row->label);
    fp_story_threads(&text, row);
    if (*row->names) {
        fp_text_format(&text, " (");
        fp_text_quote(&text, fp_slice_of(row->names), 120);
        fp_text_format(&text, ")");
    }
    if (*row->started) {
        fp_text_format(&text, ", started at ");
        fp_add_path(&text, row->started);
    }
    fp_text_format(&text, "; not in %lu child%s", missing->children,
                   missing->children == 1 ? "" : "ren");
    if (missing->places > 1)
        fp_text_format(&text, " of %lu places", missing->places);
    fprintf(stream, "  %s\n", line);
}

void fp_report_missing(FILE *stream, const struct fp_tally *tally)
{
    struct fp_cli_arena arena = {0};
    struct missing *all = NULL;
    FP_EACH_ROW(tally, site, row)
    if (is_missing(row))
        add(&arena, &all, row);
    if (all)
        fprintf(stream,
                "\nworked in the parent, not in the child; no child was seen to wait for it\n");
    for (const struct missing *missing = all; missing; missing = missing->hh.next)
        print(stream, missing);
    HASH_CLEAR(hh, all);
    fp_cli_arena_free(&arena);
}
