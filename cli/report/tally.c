/* See tally.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/tally.h"

#include "cli/record/decode.h"
#include "cli/report/tally_allows.h"
#include "cli/report/tally_row.h"
#include "policy/hang_message.h"
#include "policy/message.h"
#include "policy/phrases.h"

#include <limits.h>
#include <string.h>

enum { ERRORS_MAX = 100, PROGRAMS_MAX = 1000 };

static uint64_t hash_process(const json_t *record, unsigned long pid)
{
    return fp_hash_number(pid, fp_hash_string(fp_log_string(record, "host"), 0));
}

static void add_policy(struct fp_tally *tally, const char *policy)
{
    for (size_t i = 0; i < tally->policy_count; i++)
        if (strcmp(tally->policies[i], policy) == 0)
            return;
    if (*policy && tally->policy_count < FP_TALLY_POLICIES_MAX)
        tally->policies[tally->policy_count++] = fp_cli_arena_copy(&tally->arena, policy);
}

static void add_start(struct fp_tally *tally, const json_t *record)
{
    add_policy(tally, fp_log_string(record, "policy"));
    uint64_t key = hash_process(record, fp_log_integer(record, "pid", INT_MAX));
    struct fp_tally_program *program;
    HASH_FIND(hh, tally->programs, &key, sizeof key, program);
    if (!program && HASH_COUNT(tally->programs) < PROGRAMS_MAX) {
        program = fp_cli_arena_take(&tally->arena, sizeof *program);
        program->key = key;
        program->name = fp_tally_kept_member(tally, record, "program");
        HASH_ADD(hh, tally->programs, key, sizeof program->key, program);
    }
}

/* The program of a record's process, or of its parent: of what these know of themselves. */
static const char *program_of(const struct fp_tally *tally, const json_t *record, const char *own)
{
    const json_t *fork = json_object_get(record, "fork");
    unsigned long pids[] = {fp_log_integer(record, "pid", INT_MAX),
                            fp_log_integer(fork, "parent", INT_MAX),
                            fp_log_integer(record, "ppid", INT_MAX)};
    if (*own)
        return own;
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
                              const json_t *record, size_t nth)
{
    char buffer[FP_EVENT_MAX];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_decoded_fork *fork = fp_cli_arena_take(&arena, sizeof *fork);
    fp_decode_fork(&arena, record, fork);
    if (nth < fork->snapshot.count) {
        fork->snapshot.program = program_of(tally, record, fork->snapshot.program);
        memset(fork->told, 0, sizeof fork->told);
        fork->told[nth] = true;
        fp_message_fork(&text, &fork->snapshot, &fork->verdict, fork->told);
        row->message = fp_tally_kept(tally, &text);
    }
    fp_cli_arena_free(&arena);
}

/* C code of a Python process most often forks to exec; and what the user has waved through is no
   finding. */
static enum fp_finding finding_of(const json_t *runtime, bool refused, bool to_exec)
{
    enum fp_action action = fp_decode_action(runtime, "action");
    if (refused && action == FP_ACTION_REFUSE)
        return FP_FINDING_REFUSED;
    return fp_decode_class(runtime) == FP_CLASS_LOST && action != FP_ACTION_OFF && !to_exec
               ? FP_FINDING_LOST
               : FP_FINDING_REST;
}

static void add_fork(struct fp_tally *tally, const struct fp_log_record *record, bool refused)
{
    const json_t *runtimes = json_object_get(record->json, "runtimes"), *runtime;
    struct fp_tally_site *site =
        fp_tally_find_site(tally, json_object_get(record->json, "site"), record->json);
    bool to_exec = strcmp(fp_log_string(record->json, "origin"), "native in python") == 0;
    size_t nth;
    *(refused ? &tally->refused : &tally->forks) += 1;
    if (!site)
        return;
    *(refused ? &site->refused : &site->forks) += 1;
    if (fp_set_add(&tally->site_processes,
                   fp_hash_number((uint64_t)record->pid, fp_hash_string(record->host, site->key))))
        site->processes++;
    json_array_foreach(runtimes, nth, runtime)
    {
        fp_tally_add_allowed(tally, runtime);
        struct fp_tally_row *row =
            json_is_object(runtime) ? fp_tally_find_row(tally, site, runtime) : NULL;
        if (!row)
            continue;
        enum fp_finding found = finding_of(runtime, refused, to_exec);
        *(found == FP_FINDING_REFUSED ? &row->refused : &row->forks) += 1;
        row->children += !refused && !to_exec;
        fp_tally_find_worse(row, site, found);
        if (found < FP_FINDING_REST && fp_tally_wants_message(row, found))
            keep_fork_message(tally, row, record->json, nth);
    }
}

static void add_use(struct fp_tally *tally, const json_t *record)
{
    const json_t *fork = json_object_get(record, "fork");
    struct fp_tally_site *site = fp_tally_find_site(tally, json_object_get(fork, "site"), fork);
    struct fp_tally_row *row = fp_tally_find_row(tally, site, json_object_get(record, "runtime"));
    tally->uses++;
    if (!row)
        return;
    row->uses++;
    if (!*row->call)
        row->call = fp_tally_kept_member(tally, record, "call");
    fp_tally_find_worse(row, site, FP_FINDING_USED);
    if (!fp_tally_wants_message(row, FP_FINDING_USED))
        return;
    char buffer[2048];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_decoded_use use;
    fp_decode_use(&arena, record, &use);
    fp_message_use(&text, use.pid, program_of(tally, record, use.program), &use.runtime, use.call,
                   &use.fork);
    row->message = fp_tally_kept(tally, &text);
    fp_cli_arena_free(&arena);
}

static void keep_hang_message(struct fp_tally *tally, struct fp_tally_row *row,
                              const json_t *record)
{
    char buffer[FP_EVENT_MAX * 2];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_hang hang;
    fp_decode_hang(&arena, record, &hang);
    hang.program = program_of(tally, record, hang.program);
    fp_message_hang(&text, &hang);
    row->message = fp_tally_kept(tally, &text);
    fp_cli_arena_free(&arena);
}

static void add_wait(struct fp_tally *tally, struct fp_tally_row *row, const json_t *waiting)
{
    const json_t *json = json_object_get(waiting, "site"), *line = fp_log_site_line(json);
    uint64_t key = fp_hash_string(fp_log_string(waiting, "call"),
                                  line ? fp_tally_hash_line(line)
                                       : fp_hash_string(fp_log_string(waiting, "dso"), 4));
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
    wait->call = fp_tally_kept_member(tally, waiting, "call");
    const char *package = fp_log_string(waiting, "package");
    wait->code = fp_cli_arena_copy(&tally->arena,
                                   *package ? package : fp_basename(fp_log_string(waiting, "dso")));
    char buffer[1024];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_site site;
    fp_decode_site(&arena, json, &site);
    fp_text_reset(&text);
    fp_add_lines(&text, &site);
    wait->place = fp_tally_kept(tally, &text);
    fp_cli_arena_free(&arena);
}

static void add_hang(struct fp_tally *tally, const json_t *record)
{
    static const enum fp_finding FOUND[] = {FP_FINDING_SUSPECTED, FP_FINDING_SUSPECTED,
                                            FP_FINDING_STRONG, FP_FINDING_PROVEN};
    const json_t *fork = json_object_get(record, "fork");
    struct fp_tally_site *site = fp_tally_find_site(tally, json_object_get(fork, "site"), fork);
    struct fp_tally_row *row = fp_tally_find_row(tally, site, json_object_get(record, "lost"));
    enum fp_grade grade = fp_decode_grade(fp_log_string(record, "verdict"));
    tally->hangs[grade]++;
    if (!row)
        return;
    row->hangs[grade]++;
    if (!*row->fix)
        row->fix = fp_tally_kept_member(tally, record, "fix");
    row->outcomes[fp_decode_outcome(fp_log_string(record, "outcome"))]++;
    add_wait(tally, row, json_object_get(record, "waiting"));
    fp_tally_find_worse(row, site, FOUND[grade]);
    if (fp_tally_wants_message(row, FOUND[grade]))
        keep_hang_message(tally, row, record);
}

static void add_reset(struct fp_tally *tally, const json_t *record)
{
    char name[256];
    struct fp_text text = FP_TEXT(name);
    fp_decode_runtime_name(&text, record);
    fp_timing_add(&tally->arena, &tally->resets, name, fp_log_string(record, "function"), record);
}

static void add_carry(struct fp_tally *tally, const json_t *record)
{
    char name[256];
    struct fp_text text = FP_TEXT(name);
    fp_decode_runtime_name(&text, record);
    fp_timing_add(&tally->arena, &tally->carries, name, "", record);
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

static void add_quiesce(struct fp_tally *tally, const json_t *record)
{
    unsigned long microseconds = fp_log_integer(record, "microseconds", LONG_MAX);
    *(json_is_true(json_object_get(record, "quiet")) ? &tally->quiet : &tally->unquiet) += 1;
    if (tally->busy_thread && microseconds <= tally->longest_quiesce)
        return;
    tally->longest_quiesce = microseconds;
    tally->busy_thread = fp_tally_kept_member(tally, record, "thread");
}

void fp_tally_add(struct fp_tally *tally, const struct fp_log_record *record)
{
    const json_t *json = record->json;
    const char *event = record->event, *rank = fp_log_string(json, "rank");
    tally->records++;
    if (record->time > 0 && (tally->first <= 0 || record->time < tally->first))
        tally->first = record->time;
    if (record->time > tally->last)
        tally->last = record->time;
    uint64_t host = fp_hash_string(record->host, 0);
    fp_set_add(&tally->hosts, host);
    fp_set_add(&tally->processes, fp_hash_number((uint64_t)record->pid, host));
    if (*rank)
        fp_set_add(&tally->ranks, fp_hash_string(rank, 0));
    if (strcmp(event, "fork") == 0 || strcmp(event, "refused") == 0)
        add_fork(tally, record, *event == 'r');
    else if (strcmp(event, "hang") == 0)
        add_hang(tally, json);
    else if (strcmp(event, "crash") == 0)
        fp_tally_add_crash(tally, json, program_of(tally, json, fp_log_string(json, "program")));
    else if (strcmp(event, "start") == 0) {
        add_start(tally, json);
        fp_tally_add_policy_file(tally, json);
    } else if (strcmp(event, "use") == 0)
        add_use(tally, json);
    else if (strcmp(event, "reset") == 0)
        add_reset(tally, json);
    else if (strcmp(event, "carry") == 0)
        add_carry(tally, json);
    else if (strcmp(event, "handler") == 0)
        fp_timing_add(&tally->arena, &tally->handlers, fp_log_string(json, "name"),
                      fp_log_string(json, "phase"), json);
    else if (strcmp(event, "sever") == 0)
        *(json_is_true(json_object_get(json, "severed")) ? &tally->severed : &tally->shared) +=
            fp_log_integer(json, "count", INT_MAX);
    else if (strcmp(event, "quiesce") == 0)
        add_quiesce(tally, json);
    else if (strcmp(event, "error") == 0)
        add_error(tally, fp_log_string(json, "message"));
}
