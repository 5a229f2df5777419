/*
 * A trace in the JSON format that chrome://tracing and Perfetto read: a slice for each process, an
 * arrow for each fork, a slice for each hang. See report.h.
 *
 * Pids of several hosts may be the same: those of the nth host are told apart by n * 10,000,000.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/record/decode.h"
#include "cli/record/log.h"
#include "cli/report/report.h"
#include "cli/report/set.h"
#include "policy/phrases.h"

#include <string.h>
#include <uthash.h>

enum { HOST_STEP = 10000000 };

struct host {
    UT_hash_handle hh;
    uint64_t key;
    json_int_t nth;
};

struct process {
    UT_hash_handle hh;
    uint64_t key;
    json_int_t id, pid, parent; /* parent: 0 = no fork of it is in the log */
    double begin, end;          /* of what is known of it, in seconds */
    const char *host, *rank, *program;
};

struct trace {
    FILE *stream;
    struct fp_cli_arena arena;
    struct host *hosts;
    struct process *processes;
    double begin;
    bool any, failed;
};

static struct host *host_of(struct trace *trace, const char *name)
{
    struct host *host;
    uint64_t key = fp_hash_string(name, 0);
    HASH_FIND(hh, trace->hosts, &key, sizeof key, host);
    if (host)
        return host;
    host = fp_cli_arena_take(&trace->arena, sizeof *host);
    host->key = key;
    host->nth = HASH_COUNT(trace->hosts);
    HASH_ADD(hh, trace->hosts, key, sizeof host->key, host);
    return host;
}

static struct process *process_of(struct trace *trace, const struct fp_log_record *record,
                                  pid_t pid)
{
    struct process *process;
    uint64_t key = fp_hash_number((uint64_t)pid, fp_hash_string(record->host, 0));
    if (!pid)
        return NULL;
    HASH_FIND(hh, trace->processes, &key, sizeof key, process);
    if (process)
        return process;
    process = fp_cli_arena_take(&trace->arena, sizeof *process);
    process->key = key;
    process->pid = pid;
    process->id = pid % HOST_STEP + host_of(trace, record->host)->nth * HOST_STEP;
    process->host = record->host;
    process->rank = record->rank;
    process->program = "";
    process->begin = process->end = record->time;
    HASH_ADD(hh, trace->processes, key, sizeof process->key, process);
    return process;
}

static void touch(struct trace *trace, struct process *process, double time)
{
    process->begin = time < process->begin ? time : process->begin;
    process->end = time > process->end ? time : process->end;
    trace->begin = time < trace->begin ? time : trace->begin;
}

/* No longer than a day: a slice that is longer is a mistake, and hides the others. */
static double within_a_day(double seconds)
{
    return seconds > 0 && seconds < 86400 ? seconds : 0;
}

/* How long what a record tells took; it ends when it is told. */
static double duration_of(const struct fp_log_record *record)
{
    return within_a_day(record->kind == FP_LOG_HANG ? record->waiting.seconds
                                                    : (double)record->microseconds * 1e-6);
}

static void meet(struct trace *trace, const struct fp_log_record *record)
{
    struct process *process = process_of(trace, record, record->pid);
    if (!process)
        return;
    touch(trace, process, record->time);
    touch(trace, process, record->time - duration_of(record));
    touch(trace, process, record->time - within_a_day(record->fork.seconds));
    if (record->kind == FP_LOG_START)
        process->program = record->program;
}

/* A child may have spoken before its parent wrote down the fork: an arrow never goes back. */
static double time_of_fork(const struct fp_log_record *record, const struct process *child)
{
    return child && child->begin < record->time ? child->begin - 1e-6 : record->time;
}

static void meet_fork(struct trace *trace, const struct fp_log_record *record)
{
    struct process *process = process_of(trace, record, record->pid);
    struct process *child = process_of(trace, record, record->child);
    if (!process || !child || record->kind != FP_LOG_FORK)
        return;
    child->parent = process->pid;
    touch(trace, process, time_of_fork(record, child));
}

static json_int_t microseconds(const struct trace *trace, double time)
{
    double since = (time - trace->begin) * 1e6 + 0.5;
    return since > 0 && since < 1e18 ? (json_int_t)since : 0;
}

/* Takes the event. */
static void put(struct trace *trace, json_t *event)
{
    fputs(trace->any ? ",\n" : "\n", trace->stream);
    trace->any = true;
    if (!event || json_dumpf(event, trace->stream, JSON_COMPACT) != 0)
        trace->failed = true;
    json_decref(event);
}

/* What a record says beside its head. */
static json_t *arguments_of(const json_t *record)
{
    static const char *const HEAD[] = {"v", "event", "time", "pid", "ppid", "host", "rank"};
    json_t *arguments = json_copy((json_t *)(uintptr_t)record);
    for (size_t i = 0; i < sizeof HEAD / sizeof *HEAD; i++)
        json_object_del(arguments, HEAD[i]);
    return arguments;
}

static void put_process(struct trace *trace, const struct process *process)
{
    char name[512];
    struct fp_text text = FP_TEXT(name);
    fp_text_quote(&text, fp_slice_of(*process->program ? process->program : "pid"), 120);
    fp_text_format(&text, " %ld (", (long)process->pid);
    fp_text_quote(&text, fp_slice_of(process->host), 64);
    fp_text_format(&text, *process->rank ? ", rank " : "");
    fp_text_quote(&text, fp_slice_of(process->rank), 32);
    fp_text_format(&text, ")");
    put(trace, json_pack("{s:s, s:s, s:I, s:I, s:{s:s}}", "ph", "M", "name", "process_name", "pid",
                         process->id, "tid", process->pid, "args", "name", name));
    json_int_t begin = microseconds(trace, process->begin), end = microseconds(trace, process->end);
    fp_text_reset(&text);
    if (process->parent)
        fp_text_format(&text, "child of %ld", (long)process->parent);
    else
        fp_text_format(&text, "process");
    put(trace,
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "ph", "X", "name", name, "cat", "process",
                  "pid", process->id, "tid", process->pid, "ts", begin, "dur", end - begin + 2));
}

static void put_arrow(struct trace *trace, const struct process *parent,
                      const struct process *child, json_int_t time)
{
    json_int_t begin = microseconds(trace, child->begin);
    char id[24];
    snprintf(id, sizeof id, "%016llx", (unsigned long long)child->key);
    put(trace, json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "ph", "s", "name", "fork", "cat",
                         "fork", "id", id, "pid", parent->id, "tid", parent->pid, "ts", time));
    put(trace, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "ph", "f", "bp", "e", "name",
                         "fork", "cat", "fork", "id", id, "pid", child->id, "tid", child->pid, "ts",
                         begin > time ? begin : time));
}

static void name_slice(struct fp_text *text, const struct fp_log_record *record)
{
    fp_text_quote(text, fp_slice_of(record->event), 32);
    if (record->kind == FP_LOG_HANG) {
        fp_text_format(text, " (");
        fp_text_quote(text, fp_slice_of(record->verdict), 16);
        fp_text_format(text, ")");
    }
    if (record->runtime.there && record->kind != FP_LOG_CARRY) {
        fp_text_format(text, " ");
        fp_decode_runtime_name(text, &record->runtime);
    }
}

static void put_record(struct trace *trace, const struct fp_log_record *record)
{
    char name[400];
    struct fp_text text = FP_TEXT(name);
    const struct process *process = process_of(trace, record, record->pid);
    const struct process *child = process_of(trace, record, record->child);
    bool forks = record->kind == FP_LOG_FORK;
    if (!process)
        return;
    double duration = duration_of(record);
    double time = forks ? time_of_fork(record, child) : record->time;
    json_int_t end = microseconds(trace, time), begin = microseconds(trace, time - duration);
    json_int_t tid = record->waiting.tid;
    name_slice(&text, record);
    put(trace, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "ph", "X", "name", name, "cat",
                         record->event, "pid", process->id, "tid", tid ? tid : process->pid, "ts",
                         begin, "dur", end > begin ? end - begin : (json_int_t)1, "args",
                         arguments_of(record->json)));
    if (forks && child)
        put_arrow(trace, process, child, begin);
}

static void each(struct trace *trace, const json_t *records,
                 void (*visit)(struct trace *trace, const struct fp_log_record *record))
{
    for (size_t i = 0; i < json_array_size(records); i++) {
        struct fp_cli_arena arena = {0};
        struct fp_log_record record;
        fp_log_decode(&arena, json_array_get(records, i), &record);
        visit(trace, &record);
        fp_cli_arena_free(&arena);
    }
}

bool fp_report_perfetto(FILE *stream, const json_t *records, unsigned long omitted)
{
    struct trace trace = {.stream = stream};
    struct fp_log_record record;
    fp_log_decode(&trace.arena, json_array_get(records, 0), &record);
    trace.begin = record.time;
    each(&trace, records, meet);
    each(&trace, records, meet_fork);
    fprintf(stream, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"omitted\":%lu},\"traceEvents\":[",
            omitted);
    for (struct process *process = trace.processes; process; process = process->hh.next)
        put_process(&trace, process);
    each(&trace, records, put_record);
    fputs("\n]}\n", stream);
    HASH_CLEAR(hh, trace.processes);
    HASH_CLEAR(hh, trace.hosts);
    fp_cli_arena_free(&trace.arena);
    return !trace.failed && !ferror(stream);
}
