/* See say_end.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/say_end.h"

#include "cli/base/process_tree.h"
#include "cli/ci/systems.h"
#include "cli/explain/explain.h"
#include "cli/explain/process.h"
#include "cli/record/decode.h"
#include "cli/record/log.h"

#include <unistd.h>

enum { BRIEF_SIZE = 8192 };

void fp_ci_write_report(const char *path, const char *log, unsigned long line)
{
    const struct fp_explain_options all = {.stacks = true, .brief = line != 0};
    struct fp_explanation worst;
    struct fp_tree tree = {0};
    FILE *stream = fopen(path, "we");
    if (!stream)
        return; /* the job is ended even where the disk is full */
    if (line)
        fp_explain_log(stream, log, line);
    fp_tree_read(&tree, getpid());
    if (tree.count)
        fprintf(stream, "%sthe job's processes when it was ended:\n", line ? "\n" : "");
    for (size_t i = 0; i < tree.count; i++) /* the job itself, and orphans of it */
        if (tree.processes[i].parent == getpid())
            fp_explain_process(stream, tree.processes[i].pid, &all, &worst);
    fp_tree_free(&tree);
    fclose(stream);
}

struct wanted {
    unsigned long line;
    struct fp_log_kept *kept;
};

static void find(const struct fp_log_record *record, void *context)
{
    struct wanted *wanted = context;
    if (record->line == wanted->line)
        fp_log_keep(wanted->kept, record);
}

static void read_record(const char *log, unsigned long line, struct fp_log_kept *kept)
{
    struct wanted wanted = {line, kept};
    struct fp_log_count count = {.silent = true};
    if (line)
        fp_log_read(log, find, &wanted, &count);
}

static void add_record(struct fp_text *text, const struct fp_job_end *end,
                       const struct fp_log_record *record)
{
    struct fp_cli_arena arena = {0};
    if (record->kind == FP_LOG_HANG) {
        struct fp_hang hang;
        fp_decode_hang(&arena, record, &hang);
        fp_brief_hang(text, end, &hang);
    } else if (record->kind == FP_LOG_REFUSED) {
        struct fp_decoded_fork *fork = fp_cli_arena_take(&arena, sizeof *fork);
        fp_decode_fork(&arena, record, fork);
        fp_brief_refusal(text, end, &fork->snapshot, &fork->verdict);
    } else if (record->kind == FP_LOG_CRASH) {
        struct fp_crash *crash = fp_cli_arena_take(&arena, sizeof *crash);
        fp_decode_crash(&arena, record, crash);
        fp_brief_crash(text, end, crash);
    } else {
        fp_brief_handler(text, end, record->pid, record->name);
    }
    fp_cli_arena_free(&arena);
}

static void add_waits(struct fp_text *text, const struct fp_job_end *end,
                      const struct fp_waits *waits)
{
    fp_text_reset(text);
    fp_brief_headline(text, end);
    fp_text_format(text, "%s\n", waits->what);
    for (size_t i = 0; i < waits->count; i++)
        fp_text_format(text, "forkpolicy:   %s\n", waits->lines[i]);
    if (waits->omitted)
        fp_text_format(text, "forkpolicy:   and     %zu more threads\n", waits->omitted);
    if (waits->fix)
        fp_text_format(text, "forkpolicy:   fix     %s\n", waits->fix);
}

void fp_ci_say_end(const struct fp_job_end *end, const char *log, unsigned long line,
                   const struct fp_waits *waits, const char *report)
{
    char buffer[BRIEF_SIZE];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_log_kept kept = {0};
    read_record(log, line, &kept);
    if (kept.record.there)
        add_record(&text, end, &kept.record);
    else
        add_waits(&text, end, waits);
    fp_text_format(&text, "forkpolicy:   more    %s\n", report);
    fp_ci_system_heading(stderr);
    fputs(buffer, stderr);
    fp_log_drop(&kept);
}
