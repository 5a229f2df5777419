/* Finds the row of a runtime at a fork site. See tally_row.h. SPDX-License-Identifier: Apache-2.0
 */
#include "cli/report/tally_row.h"

#include "cli/record/decode.h"
#include "policy/advice.h"
#include "policy/phrases.h"

#include <limits.h>
#include <string.h>

const char *fp_tally_kept(struct fp_tally *tally, const struct fp_text *text)
{
    return fp_cli_arena_copy(&tally->arena, text->data);
}

const char *fp_tally_kept_member(struct fp_tally *tally, const json_t *json, const char *key)
{
    const char *value = fp_log_string(json, key);
    return *value ? fp_cli_arena_copy(&tally->arena, value) : "";
}

uint64_t fp_tally_hash_line(const json_t *line)
{
    return fp_hash_number(fp_log_integer(line, "line", INT_MAX),
                          fp_hash_string(fp_log_string(line, "file"), 1));
}

static void describe_site(struct fp_tally *tally, struct fp_tally_site *site, const json_t *json,
                          const json_t *record)
{
    char buffer[1024];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_decoded_fork *fork = fp_cli_arena_take(&arena, sizeof *fork);
    const json_t *line = fp_log_site_line(json);
    fp_decode_fork(&arena, record, fork);
    fp_decode_site(&arena, json, &fork->snapshot.site);
    fp_text_reset(&text);
    fp_add_lines(&text, &fork->snapshot.site);
    if (!text.length && *fork->snapshot.site.dso) {
        fp_text_format(&text, "%s() called from ", fork->snapshot.call);
        fp_text_quote(&text, fp_slice_of(fork->snapshot.site.dso), 300);
    } else if (!text.length) {
        fp_text_format(&text, "a fork whose place is not known");
    }
    site->label = fp_tally_kept(tally, &text);
    site->file = fp_tally_kept_member(tally, line, "file");
    site->line = fp_log_integer(line, "line", INT_MAX);
    site->dso = fp_tally_kept_member(tally, json, "dso");
    site->advice = fp_advice_start(&fork->snapshot.site, fork->snapshot.origin);
    site->finding = FP_FINDING_REST;
    fp_cli_arena_free(&arena);
}

/* `record` says how it was called; NULL where there is no room for one more. */
struct fp_tally_site *fp_tally_find_site(struct fp_tally *tally, const json_t *json,
                                         const json_t *record)
{
    struct fp_tally_site *site;
    const json_t *line = fp_log_site_line(json);
    uint64_t key = line ? fp_tally_hash_line(line) : fp_hash_string(fp_log_string(json, "dso"), 2);
    HASH_FIND(hh, tally->sites, &key, sizeof key, site);
    if (site || HASH_COUNT(tally->sites) >= FP_TALLY_ROWS_MAX) {
        tally->rows_omitted += !site;
        return site;
    }
    site = fp_cli_arena_take(&tally->arena, sizeof *site);
    site->key = key;
    describe_site(tally, site, json, record);
    HASH_ADD(hh, tally->sites, key, sizeof site->key, site);
    return site;
}

/* The threads of one line are known by it where their runtime has no name, and no package but
   Python. */
static const char *label_of(struct fp_tally *tally, const json_t *json)
{
    char buffer[512];
    struct fp_text text = FP_TEXT(buffer);
    const char *started = fp_log_string(json, "started"), *package = fp_log_string(json, "package");
    bool is_own = !*package || strcmp(package, "python") == 0;
    fp_text_reset(&text);
    if (!*fp_log_string(json, "name") && *started && is_own)
        fp_text_quote(&text, fp_slice_of(fp_basename(started)), 120);
    else if (json_is_object(json))
        fp_decode_runtime_name(&text, json);
    else
        fp_text_format(&text, "(not known which)");
    return fp_tally_kept(tally, &text);
}

static void describe_row(struct fp_tally *tally, struct fp_tally_row *row, const json_t *json)
{
    struct fp_cli_arena arena = {0};
    struct fp_runtime runtime;
    struct fp_judgement judgement;
    fp_decode_runtime(&arena, json, &runtime, &judgement);
    row->label = label_of(tally, json);
    row->is_known = json_is_object(json);
    struct fp_slice entry = fp_runtime_entry_name(&runtime);
    row->entry =
        memcpy(fp_cli_arena_take(&tally->arena, entry.length + 1), entry.text, entry.length);
    struct fp_slice kind = fp_runtime_value(&runtime, FP_WORD_KIND, 0);
    if (!kind.length)
        kind = fp_slice_of(*runtime.facts.file ? "Python" : "native");
    row->kind = memcpy(fp_cli_arena_take(&tally->arena, kind.length + 1), kind.text, kind.length);
    row->name = fp_tally_kept_member(tally, json, "name");
    row->package = fp_tally_kept_member(tally, json, "package");
    row->version = fp_tally_kept_member(tally, json, "version");
    row->dso = fp_tally_kept_member(tally, json, "dso");
    row->file = fp_cli_arena_copy(&tally->arena, runtime.facts.file);
    row->started = fp_tally_kept_member(tally, json, "started");
    row->names = fp_tally_kept_member(tally, json, "names");
    row->fix = row->source = row->message = row->call = row->signal = "";
    row->finding = row->message_of = FP_FINDING_REST;
    fp_cli_arena_free(&arena);
}

static void take_advice(struct fp_tally *tally, struct fp_tally_row *row, const json_t *json)
{
    const json_t *advice = json_object_get(json, "advice");
    for (size_t i = 0; i < json_array_size(advice) && row->advice_count < FP_TALLY_ADVICE_MAX;
         i++) {
        const char *value = json_string_value(json_array_get(advice, i));
        if (value && *value)
            row->advice[row->advice_count++] = fp_cli_arena_copy(&tally->arena, value);
    }
    row->source = fp_tally_kept_member(tally, json, "source");
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
static uint64_t hash_runtime(const json_t *json)
{
    const char *name = fp_log_string(json, "name"), *started = fp_log_string(json, "started");
    uint64_t hash = fp_hash_string(name, 3);
    hash = fp_hash_string(fp_log_string(json, "package"), hash);
    hash = fp_hash_string(fp_log_string(json, "version"), hash);
    if (*name)
        return hash;
    hash = fp_hash_string(*started ? started : fp_log_string(json, "dso"), hash);
    return *started || *fp_log_string(json, "dso")
               ? hash
               : fp_hash_string(fp_log_string(json, "names"), hash);
}

/* `json` is the runtime, or null: it is not known which. */
struct fp_tally_row *fp_tally_find_row(struct fp_tally *tally, struct fp_tally_site *site,
                                       const json_t *json)
{
    struct fp_tally_row *row = NULL;
    uint64_t key = hash_runtime(json);
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
        describe_row(tally, row, json);
        HASH_ADD(hh, site->rows, key, sizeof row->key, row);
        tally->row_count++;
    }
    unsigned threads = (unsigned)fp_log_integer(json, "threads", INT_MAX);
    row->threads = threads > row->threads ? threads : row->threads;
    row->class = json_is_object(json) ? fp_decode_class(json) : row->class;
    row->action = json_is_object(json) ? fp_decode_action(json, "action") : row->action;
    if (!row->advice_count && !*row->source)
        take_advice(tally, row, json);
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
