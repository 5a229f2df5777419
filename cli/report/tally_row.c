/* Finds the row of a runtime at a fork site. See tally_row.h. SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/tally_row.h"

#include "cli/record/decode.h"
#include "policy/advice.h"
#include "policy/phrases.h"

#include <string.h>

const char *fp_tally_kept(struct fp_tally *tally, const char *string)
{
    return *string ? fp_cli_arena_copy(&tally->arena, string) : "";
}

uint64_t fp_tally_hash_line(const struct fp_log_line *line)
{
    return fp_hash_number(line->line, fp_hash_string(line->file, 1));
}

static void describe_site(struct fp_tally *tally, struct fp_tally_site *site,
                          const struct fp_log_fork *fork)
{
    char buffer[1024];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_site lines;
    const struct fp_log_line *line = fp_log_site_line(&fork->site);
    fp_decode_site(&arena, &fork->site, &lines);
    fp_text_reset(&text);
    fp_add_lines(&text, &lines);
    if (!text.length && *lines.dso) {
        fp_text_format(&text, "%s() called from ", *fork->call ? fork->call : "fork");
        fp_text_quote(&text, fp_slice_of(lines.dso), 300);
    } else if (!text.length) {
        fp_text_format(&text, "a fork whose place is not known");
    }
    site->label = fp_tally_kept(tally, text.data);
    site->file = line ? fp_tally_kept(tally, line->file) : "";
    site->line = line ? line->line : 0;
    site->dso = fp_tally_kept(tally, lines.dso);
    site->advice = fp_advice_start(&lines, fp_decode_fork_origin(fork, &lines));
    site->finding = FP_FINDING_REST;
    fp_cli_arena_free(&arena);
}

struct fp_tally_site *fp_tally_find_site(struct fp_tally *tally, const struct fp_log_fork *fork)
{
    struct fp_tally_site *site;
    const struct fp_log_line *line = fp_log_site_line(&fork->site);
    uint64_t key = line ? fp_tally_hash_line(line) : fp_hash_string(fork->site.dso, 2);
    HASH_FIND(hh, tally->sites, &key, sizeof key, site);
    if (site || HASH_COUNT(tally->sites) >= FP_TALLY_ROWS_MAX) {
        tally->rows_omitted += !site;
        return site;
    }
    site = fp_cli_arena_take(&tally->arena, sizeof *site);
    site->key = key;
    describe_site(tally, site, fork);
    HASH_ADD(hh, tally->sites, key, sizeof site->key, site);
    return site;
}

/* The threads of one line are known by it where their runtime has no name, and no package but
   Python. */
static const char *label_of(struct fp_tally *tally, const struct fp_log_runtime *runtime)
{
    char buffer[512];
    struct fp_text text = FP_TEXT(buffer);
    bool is_own = !*runtime->package || strcmp(runtime->package, "python") == 0;
    fp_text_reset(&text);
    if (!*runtime->name && *runtime->started && is_own)
        fp_text_quote(&text, fp_slice_of(fp_basename(runtime->started)), 120);
    else if (runtime->there)
        fp_decode_runtime_name(&text, runtime);
    else
        fp_text_format(&text, "(not known which)");
    return fp_tally_kept(tally, text.data);
}

static const char *kept_slice(struct fp_tally *tally, struct fp_slice slice)
{
    return memcpy(fp_cli_arena_take(&tally->arena, slice.length + 1), slice.text, slice.length);
}

static void describe_row(struct fp_tally *tally, struct fp_tally_row *row,
                         const struct fp_log_runtime *told)
{
    struct fp_cli_arena arena = {0};
    struct fp_runtime runtime;
    struct fp_judgement judgement;
    fp_decode_runtime(&arena, told, &runtime, &judgement);
    row->label = label_of(tally, told);
    row->is_known = told->there;
    row->entry = kept_slice(tally, fp_runtime_entry_name(&runtime));
    struct fp_slice kind = fp_runtime_value(&runtime, FP_WORD_KIND, 0);
    if (!kind.length)
        kind = fp_slice_of(*runtime.facts.file ? "Python" : "native");
    row->kind = kept_slice(tally, kind);
    row->name = fp_tally_kept(tally, told->name);
    row->package = fp_tally_kept(tally, told->package);
    row->version = fp_tally_kept(tally, told->version);
    row->dso = fp_tally_kept(tally, told->dso);
    row->file = fp_tally_kept(tally, runtime.facts.file);
    row->started = fp_tally_kept(tally, told->started);
    row->names = fp_tally_kept(tally, told->names);
    row->fix = row->source = row->message = row->call = row->signal = "";
    row->finding = row->message_of = FP_FINDING_REST;
    fp_cli_arena_free(&arena);
}

static void take_advice(struct fp_tally *tally, struct fp_tally_row *row,
                        const struct fp_log_runtime *told)
{
    for (size_t i = 0; i < told->advice.count && row->advice_count < FP_TALLY_ADVICE_MAX; i++)
        if (*told->advice.list[i])
            row->advice[row->advice_count++] = fp_tally_kept(tally, told->advice.list[i]);
    row->source = fp_tally_kept(tally, told->source);
}

const char *fp_tally_advice(const struct fp_tally_row *row, size_t nth)
{
    const char *first = *row->fix ? row->fix : row->site->advice;
    if (!nth)
        return first;
    for (size_t i = 0; i < row->advice_count; i++)
        if (strcmp(row->advice[i], first) != 0 && --nth == 0)
            return row->advice[i];
    return NULL;
}

/* Private copies of one library are told apart by their version, unknown ones by their code. */
static uint64_t hash_runtime(const struct fp_log_runtime *told)
{
    uint64_t hash = fp_hash_string(told->name, 3);
    hash = fp_hash_string(told->package, hash);
    hash = fp_hash_string(told->version, hash);
    if (*told->name)
        return hash;
    hash = fp_hash_string(*told->started ? told->started : told->dso, hash);
    return *told->started || *told->dso ? hash : fp_hash_string(told->names, hash);
}

struct fp_tally_row *fp_tally_find_row(struct fp_tally *tally, struct fp_tally_site *site,
                                       const struct fp_log_runtime *told)
{
    struct fp_tally_row *row = NULL;
    uint64_t key = hash_runtime(told);
    if (site)
        HASH_FIND(hh, site->rows, &key, sizeof key, row);
    if (!site)
        return NULL; /* and counted */
    if (!row && tally->row_count == FP_TALLY_ROWS_MAX) {
        tally->rows_omitted++;
        return NULL;
    }
    if (!row) {
        row = fp_cli_arena_take(&tally->arena, sizeof *row);
        row->key = key;
        row->site = site;
        describe_row(tally, row, told);
        HASH_ADD(hh, site->rows, key, sizeof row->key, row);
        tally->row_count++;
    }
    unsigned threads = (unsigned)told->threads;
    row->threads = threads > row->threads ? threads : row->threads;
    row->class = told->there ? told->class : row->class;
    row->action = told->there ? told->action : row->action;
    if (!row->advice_count && !*row->source)
        take_advice(tally, row, told);
    return row;
}

void fp_tally_find_worse(struct fp_tally_row *row, struct fp_tally_site *site,
                         enum fp_finding found)
{
    if (found < row->finding)
        row->finding = found;
    if (found < site->finding)
        site->finding = found;
}

bool fp_tally_wants_message(struct fp_tally_row *row, enum fp_finding of)
{
    bool wanted = of < row->message_of;
    row->message_of = wanted ? of : row->message_of;
    return wanted;
}
