/* See tally.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/tally.h"

#include "cli/record/decode.h"
#include "cli/report/tally_allows.h"
#include "cli/report/tally_row.h"
#include "policy/hang_message.h"
#include "policy/message.h"
#include "policy/phrases.h"

#include <string.h>

enum { ERRORS_MAX = 100, PROGRAMS_MAX = 1000 };

static uint64_t hash_process(const struct fp_log_record *record, pid_t pid)
{
    return fp_hash_number((uint64_t)pid, fp_hash_string(record->host, 0));
}

static void add_policy(struct fp_tally *tally, const char *policy)
{
    for (size_t i = 0; i < tally->policy_count; i++)
        if (strcmp(tally->policies[i], policy) == 0)
            return;
    if (*policy && tally->policy_count < FP_TALLY_POLICIES_MAX)
        tally->policies[tally->policy_count++] = fp_cli_arena_copy(&tally->arena, policy);
}

static void add_start(struct fp_tally *tally, const struct fp_log_record *record)
{
    add_policy(tally, record->policy);
    fp_tally_add_policy_file(tally, record);
    uint64_t key = hash_process(record, record->pid);
    struct fp_tally_program *program;
    HASH_FIND(hh, tally->programs, &key, sizeof key, program);
    if (!program && HASH_COUNT(tally->programs) < PROGRAMS_MAX) {
        program = fp_cli_arena_take(&tally->arena, sizeof *program);
        program->key = key;
        program->name = fp_tally_kept(tally, record->program);
        HASH_ADD(hh, tally->programs, key, sizeof program->key, program);
    }
}

/* The program of a record's process, or of its parent: of what these know of themselves. */
static const char *program_of(const struct fp_tally *tally, const struct fp_log_record *record)
{
    const pid_t pids[] = {record->pid, record->fork.parent, record->parent};
    if (*record->program)
        return record->program;
    for (size_t i = 0; i < sizeof pids / sizeof *pids; i++) {
        struct fp_tally_program *program;
        uint64_t key = hash_process(record, pids[i]);
        HASH_FIND(hh, tally->programs, &key, sizeof key, program);
        if (program && *program->name)
            return program->name;
    }
    return "its program";
}

static void keep_fork_message(struct fp_tally *tally, struct fp_tally_row *row,
                              const struct fp_log_record *record, size_t nth)
{
    char buffer[FP_EVENT_MAX];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_decoded_fork *fork = fp_cli_arena_take(&arena, sizeof *fork);
    fp_decode_fork(&arena, record, fork);
    if (nth < fork->snapshot.count) {
        fork->snapshot.program = program_of(tally, record);
        memset(fork->told, 0, sizeof fork->told);
        fork->told[nth] = true;
        fp_message_fork(&text, &fork->snapshot, &fork->verdict, fork->told);
        row->message = fp_tally_kept(tally, text.data);
    }
    fp_cli_arena_free(&arena);
}

/* C code of a Python process most often forks to exec; and what the user has waved through is no
   finding. */
static enum fp_finding finding_of(const struct fp_log_runtime *runtime, bool refused, bool to_exec)
{
    if (refused && runtime->action == FP_ACTION_REFUSE)
        return FP_FINDING_REFUSED;
    return runtime->class == FP_CLASS_LOST && runtime->action != FP_ACTION_OFF && !to_exec
               ? FP_FINDING_LOST
               : FP_FINDING_REST;
}

static void add_fork(struct fp_tally *tally, const struct fp_log_record *record)
{
    struct fp_tally_site *site = fp_tally_find_site(tally, &record->fork);
    bool refused = record->kind == FP_LOG_REFUSED;
    bool to_exec = strcmp(record->fork.origin, fp_origin_name(FP_ORIGIN_NATIVE_IN_PYTHON)) == 0;
    *(refused ? &tally->refused : &tally->forks) += 1;
    if (!site)
        return;
    *(refused ? &site->refused : &site->forks) += 1;
    if (fp_set_add(&tally->site_processes,
                   fp_hash_number((uint64_t)record->pid, fp_hash_string(record->host, site->key))))
        site->processes++;
    for (size_t nth = 0; nth < record->runtimes.count; nth++) {
        const struct fp_log_runtime *runtime = &record->runtimes.list[nth];
        fp_tally_add_allowed(tally, runtime);
        struct fp_tally_row *row = runtime->there ? fp_tally_find_row(tally, site, runtime) : NULL;
        if (!row)
            continue;
        enum fp_finding found = finding_of(runtime, refused, to_exec);
        *(found == FP_FINDING_REFUSED ? &row->refused : &row->forks) += 1;
        row->children += !refused && !to_exec;
        fp_tally_find_worse(row, site, found);
        if (found < FP_FINDING_REST && fp_tally_wants_message(row, found))
            keep_fork_message(tally, row, record, nth);
    }
}

static void add_use(struct fp_tally *tally, const struct fp_log_record *record)
{
    struct fp_tally_site *site = fp_tally_find_site(tally, &record->fork);
    struct fp_tally_row *row = fp_tally_find_row(tally, site, &record->runtime);
    tally->uses++;
    if (!row)
        return;
    row->uses++;
    if (!*row->call)
        row->call = fp_tally_kept(tally, record->call);
    fp_tally_find_worse(row, site, FP_FINDING_USED);
    if (!fp_tally_wants_message(row, FP_FINDING_USED))
        return;
    char buffer[2048];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_decoded_use use;
    fp_decode_use(&arena, record, &use);
    fp_message_use(&text, use.pid, program_of(tally, record), &use.runtime, use.call, &use.fork);
    row->message = fp_tally_kept(tally, text.data);
    fp_cli_arena_free(&arena);
}

static void keep_hang_message(struct fp_tally *tally, struct fp_tally_row *row,
                              const struct fp_log_record *record)
{
    char buffer[FP_EVENT_MAX * 2];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_hang hang;
    fp_decode_hang(&arena, record, &hang);
    hang.program = program_of(tally, record);
    fp_message_hang(&text, &hang);
    row->message = fp_tally_kept(tally, text.data);
    fp_cli_arena_free(&arena);
}

static void add_wait(struct fp_tally *tally, struct fp_tally_row *row,
                     const struct fp_log_waiting *waiting)
{
    const struct fp_log_line *line = fp_log_site_line(&waiting->site);
    uint64_t key = fp_hash_string(waiting->call, line ? fp_tally_hash_line(line)
                                                      : fp_hash_string(waiting->dso, 4));
    size_t nth = 0;
    while (nth < row->wait_count && row->waits[nth].key != key)
        nth++;
    if (nth == FP_TALLY_WAITS_MAX) {
        row->waits_omitted++;
        return;
    }
    struct fp_tally_wait *wait = &row->waits[nth];
    wait->count++;
    if (nth < row->wait_count)
        return;
    row->wait_count++;
    wait->key = key;
    wait->call = fp_tally_kept(tally, waiting->call);
    wait->code =
        fp_tally_kept(tally, *waiting->package ? waiting->package : fp_basename(waiting->dso));
    char buffer[1024];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_site site;
    fp_decode_site(&arena, &waiting->site, &site);
    fp_text_reset(&text);
    fp_add_lines(&text, &site);
    wait->place = fp_tally_kept(tally, text.data);
    fp_cli_arena_free(&arena);
}

static void add_hang(struct fp_tally *tally, const struct fp_log_record *record)
{
    static const enum fp_finding FOUND[] = {FP_FINDING_SUSPECTED, FP_FINDING_SUSPECTED,
                                            FP_FINDING_STRONG, FP_FINDING_PROVEN};
    struct fp_tally_site *site = fp_tally_find_site(tally, &record->fork);
    struct fp_tally_row *row = fp_tally_find_row(tally, site, &record->runtime);
    enum fp_finding found = FOUND[record->grade];
    tally->hangs[record->grade]++;
    if (!row)
        return;
    row->hangs[record->grade]++;
    if (!*row->fix)
        row->fix = fp_tally_kept(tally, record->fix);
    row->outcomes[record->outcome < FP_OUTCOME_COUNT ? record->outcome : FP_OUTCOME_WAITS]++;
    add_wait(tally, row, &record->waiting);
    fp_tally_find_worse(row, site, found);
    if (fp_tally_wants_message(row, found))
        keep_hang_message(tally, row, record);
}

/* What took its time: of a runtime, by its name. */
static void add_timing(struct fp_tally *tally, struct fp_tally_timing **table, const char *what,
                       const struct fp_log_record *record)
{
    char name[256];
    struct fp_text text = FP_TEXT(name);
    fp_decode_runtime_name(&text, &record->runtime);
    fp_timing_add(&tally->arena, table, name, what, record);
}

static void add_error(struct fp_tally *tally, const char *message)
{
    struct fp_tally_error *error;
    uint64_t key = fp_hash_string(message, 0);
    HASH_FIND(hh, tally->errors, &key, sizeof key, error);
    if (!error && HASH_COUNT(tally->errors) >= ERRORS_MAX) {
        tally->errors_omitted++;
        return;
    }
    if (!error) {
        error = fp_cli_arena_take(&tally->arena, sizeof *error);
        error->key = key;
        error->message = fp_cli_arena_copy(&tally->arena, message);
        HASH_ADD(hh, tally->errors, key, sizeof error->key, error);
    }
    error->count++;
}

static void add_quiesce(struct fp_tally *tally, const struct fp_log_record *record)
{
    *(record->quiet ? &tally->quiet : &tally->unquiet) += 1;
    if (tally->busy_thread && record->microseconds <= tally->longest_quiesce)
        return;
    tally->longest_quiesce = record->microseconds;
    tally->busy_thread = fp_tally_kept(tally, record->thread);
}

static void add_head(struct fp_tally *tally, const struct fp_log_record *record)
{
    uint64_t host = fp_hash_string(record->host, 0);
    tally->records++;
    if (record->time > 0 && (tally->first <= 0 || record->time < tally->first))
        tally->first = record->time;
    if (record->time > tally->last)
        tally->last = record->time;
    fp_set_add(&tally->hosts, host);
    fp_set_add(&tally->processes, fp_hash_number((uint64_t)record->pid, host));
    if (*record->rank)
        fp_set_add(&tally->ranks, fp_hash_string(record->rank, 0));
}

void fp_tally_add(struct fp_tally *tally, const struct fp_log_record *record)
{
    add_head(tally, record);
    switch (record->kind) {
    case FP_LOG_START:
        add_start(tally, record);
        break;
    case FP_LOG_FORK:
    case FP_LOG_REFUSED:
        add_fork(tally, record);
        break;
    case FP_LOG_HANG:
        add_hang(tally, record);
        break;
    case FP_LOG_USE:
        add_use(tally, record);
        break;
    case FP_LOG_CRASH:
        fp_tally_add_crash(tally, record, program_of(tally, record));
        break;
    case FP_LOG_RESET:
        add_timing(tally, &tally->resets, record->function, record);
        break;
    case FP_LOG_CARRY:
        add_timing(tally, &tally->carries, "", record);
        break;
    case FP_LOG_HANDLER:
        fp_timing_add(&tally->arena, &tally->handlers, record->name, record->phase, record);
        break;
    case FP_LOG_SEVER:
        *(record->severed ? &tally->severed : &tally->shared) += record->count;
        break;
    case FP_LOG_QUIESCE:
        add_quiesce(tally, record);
        break;
    case FP_LOG_ERROR:
        add_error(tally, record->message);
        break;
    case FP_LOG_OTHER:
        break;
    }
}
