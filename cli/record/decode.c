/* Hangs, forks and uses of records. See decode.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/record/decode.h"

#include "cli/record/log.h"

#include <limits.h>
#include <string.h>

static unsigned number(const json_t *object, const char *key)
{
    return (unsigned)fp_log_integer(object, key, INT_MAX);
}

static pid_t process(const json_t *object, const char *key)
{
    return (pid_t)fp_log_integer(object, key, INT_MAX);
}

static unsigned long milliseconds(const json_t *object)
{
    double value = fp_log_number(object, "seconds") * 1000 + 0.5;
    return !(value > 0) ? 0 : value < 1e15 ? (unsigned long)value : 1000000000000000UL;
}

/* The index of a name in what `name_of` calls 0 to count - 1; `otherwise` where it is none. */
#define INDEX(name, count, name_of, otherwise)       \
    for (unsigned i = 0; i < (unsigned)(count); i++) \
        if (strcmp(name, name_of(i)) == 0)           \
            return i;                                \
    return otherwise

static const char *grade_at(unsigned i)
{
    return fp_grade_name((enum fp_grade)i);
}

static const char *outcome_at(unsigned i)
{
    return fp_outcome_name((enum fp_outcome)i);
}

static const char *wait_at(unsigned i)
{
    return fp_wait_name((enum fp_wait)i);
}

static const char *cause_at(unsigned i)
{
    return fp_cause_name((enum fp_cause)i);
}

static const char *reason_at(unsigned i)
{
    return fp_reason_name((enum fp_reason)i);
}

enum fp_grade fp_decode_grade(const char *name)
{
    INDEX(name, FP_GRADE_PROVEN + 1, grade_at, FP_GRADE_NONE);
}

enum fp_outcome fp_decode_outcome(const char *name)
{
    INDEX(name, FP_OUTCOME_COUNT, outcome_at, FP_OUTCOME_WAITS);
}

static unsigned wait_of(const char *name)
{
    INDEX(name, FP_WAIT_COUNT, wait_at, FP_WAIT_COUNT);
}

static unsigned cause_of(const char *name)
{
    INDEX(name, FP_CAUSE_UNKNOWN, cause_at, FP_CAUSE_UNKNOWN);
}

static unsigned reason_of(const char *name)
{
    INDEX(name, FP_REASON_COUNT, reason_at, FP_REASON_NONE);
}

static enum fp_origin origin_of(const json_t *record, const struct fp_site *site)
{
    const char *name = fp_log_string(record, "origin");
    for (unsigned i = 0; i <= FP_ORIGIN_NATIVE; i++)
        if (strcmp(name, fp_origin_name((enum fp_origin)i)) == 0)
            return (enum fp_origin)i;
    return *fp_site_line(site) ? FP_ORIGIN_PYTHON : FP_ORIGIN_NATIVE;
}

static bool decode_origin(struct fp_cli_arena *arena, const json_t *record,
                          struct fp_fork_origin *origin)
{
    const json_t *fork = json_object_get(record, "fork");
    struct fp_site *site = fp_cli_arena_take(arena, sizeof *site);
    fp_decode_site(arena, json_object_get(fork, "site"), site);
    *origin = (struct fp_fork_origin){.call = fp_log_string(fork, "call"),
                                      .origin = origin_of(fork, site),
                                      .site = site,
                                      .parent = process(fork, "parent"),
                                      .lost_threads = number(fork, "lost_threads"),
                                      .milliseconds = milliseconds(fork)};
    if (!origin->parent)
        origin->parent = process(record, "ppid");
    return json_is_object(fork);
}

static void decode_python_stack(struct fp_cli_arena *arena, const json_t *stack,
                                struct fp_hang *hang)
{
    size_t count = json_array_size(stack);
    struct fp_python_frame *frames = fp_cli_arena_take(arena, count * sizeof *frames);
    for (size_t i = 0; i < count; i++) {
        const json_t *json = json_array_get(stack, i);
        const char *file = fp_log_string(json, "file");
        struct fp_text function = FP_TEXT(frames[i].function);
        size_t length = strlen(file);
        if (length >= sizeof frames[i].file)
            file += length - sizeof frames[i].file + 1;
        memcpy(frames[i].file, file, strlen(file) + 1);
        file = fp_log_string(json, "function");
        fp_text_append(&function, file, strlen(file));
        frames[i].line = (int)number(json, "line");
    }
    hang->python = frames;
    hang->python_count = count;
}

static void decode_native_stack(struct fp_cli_arena *arena, const json_t *stack,
                                struct fp_hang *hang)
{
    size_t count = json_array_size(stack);
    struct fp_native_frame *frames = fp_cli_arena_take(arena, count * sizeof *frames);
    for (size_t i = 0; i < count; i++) {
        const json_t *json = json_array_get(stack, i);
        frames[i] = (struct fp_native_frame){.dso = fp_log_string(json, "dso"),
                                             .symbol = fp_log_string(json, "symbol"),
                                             .offset = fp_log_integer(json, "offset", 1UL << 62)};
    }
    hang->native = frames;
    hang->native_count = count;
}

static void decode_holders(const json_t *record, struct fp_holders *holders)
{
    const json_t *list = json_object_get(record, "holders");
    holders->sure = json_is_true(json_object_get(record, "holders_sure"));
    holders->others = number(record, "holders_more");
    for (size_t i = 0; i < json_array_size(list) && i < FP_HOLDERS_MAX; i++) {
        const json_t *holder = json_array_get(list, i);
        holders->list[holders->count++] =
            (struct fp_holder){fp_log_string(holder, "thread"), fp_log_string(holder, "line"),
                               fp_log_string(holder, "function")};
    }
}

bool fp_decode_hang(struct fp_cli_arena *arena, const json_t *record, struct fp_hang *hang)
{
    const json_t *waiting = json_object_get(record, "waiting");
    const json_t *lost = json_object_get(record, "lost");
    unsigned wait = wait_of(fp_log_string(waiting, "call"));
    *hang = (struct fp_hang){
        .program = fp_log_string(record, "program"),
        .pid = process(record, "pid"),
        .tid = process(waiting, "tid"),
        .opinion = {fp_decode_grade(fp_log_string(record, "verdict")),
                    (enum fp_reason)reason_of(fp_log_string(record, "reason"))},
        .outcome = fp_decode_outcome(fp_log_string(record, "outcome")),
        .wait = wait < FP_WAIT_COUNT ? (enum fp_wait)wait : FP_WAIT_FUTEX,
        .interruptible = json_is_true(json_object_get(record, "interruptible")),
        .waiting = {fp_log_string(waiting, "dso"), "", "", fp_log_string(waiting, "package"),
                    fp_log_string(waiting, "version")},
        .milliseconds = milliseconds(waiting),
        .threads = number(record, "threads"),
        .judgement = {.action = FP_ACTION_WARN},
        .cause = (enum fp_cause)cause_of(fp_log_string(record, "cause"))};
    fp_decode_site(arena, json_object_get(waiting, "site"), &hang->at);
    if (json_is_object(lost)) {
        struct fp_runtime *runtime = fp_cli_arena_take(arena, sizeof *runtime);
        fp_decode_runtime(arena, lost, runtime, &hang->judgement);
        hang->lost = runtime;
    }
    bool whole = decode_origin(arena, record, &hang->fork);
    decode_holders(record, &hang->holders);
    decode_python_stack(arena, json_object_get(record, "python_stack"), hang);
    decode_native_stack(arena, json_object_get(record, "native_stack"), hang);
    return whole && wait < FP_WAIT_COUNT && hang->opinion.grade != FP_GRADE_NONE;
}

bool fp_decode_fork(struct fp_cli_arena *arena, const json_t *record, struct fp_decoded_fork *fork)
{
    static const char *const NOTHING[] = {NULL};
    const json_t *runtimes = json_object_get(record, "runtimes");
    struct fp_snapshot *snapshot = &fork->snapshot;
    size_t count = json_array_size(runtimes);
    memset(fork, 0, sizeof *fork);
    snapshot->call = *fp_log_string(record, "call") ? fp_log_string(record, "call") : "fork";
    fp_decode_site(arena, json_object_get(record, "site"), &snapshot->site);
    snapshot->origin = origin_of(record, &snapshot->site);
    snapshot->pid = process(record, "pid");
    snapshot->program = fp_log_string(record, "program");
    snapshot->threads = number(record, "threads");
    snapshot->unattributed = number(record, "unattributed");
    snapshot->main_lost = json_is_true(json_object_get(record, "main_lost"));
    snapshot->omitted = number(record, "omitted");
    snapshot->environment = NOTHING;
    fork->verdict.refuse = strcmp(fp_log_string(record, "event"), "refused") == 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *json = json_array_get(runtimes, i);
        size_t at = snapshot->count;
        if (at == FP_RUNTIMES_MAX || !json_is_object(json))
            snapshot->omitted++;
        else {
            fp_decode_runtime(arena, json, &snapshot->runtimes[at], &fork->verdict.runtimes[at]);
            fork->told[at] = fork->verdict.runtimes[at].speech != FP_SPEECH_SILENT;
            fork->verdict.tell |= fork->told[at];
            snapshot->count++;
        }
    }
    return json_is_array(runtimes) && json_is_object(json_object_get(record, "site"));
}

bool fp_decode_crash(struct fp_cli_arena *arena, const json_t *record, struct fp_crash *crash)
{
    const json_t *runtimes = json_object_get(record, "runtimes");
    *crash = (struct fp_crash){
        .program = fp_log_string(record, "program"),
        .pid = process(record, "child"),
        .signal = fp_crash_parse(fp_slice_of(fp_log_string(record, "signal"))),
    };
    for (size_t i = 0; i < json_array_size(runtimes) && crash->count < FP_CRASH_RUNTIMES; i++) {
        const json_t *json = json_array_get(runtimes, i);
        if (!json_is_object(json))
            continue;
        fp_decode_runtime(arena, json, &crash->runtimes[crash->count],
                          &crash->judgements[crash->count]);
        crash->count++;
    }
    return decode_origin(arena, record, &crash->fork) && crash->pid && crash->signal;
}

bool fp_decode_use(struct fp_cli_arena *arena, const json_t *record, struct fp_decoded_use *use)
{
    const json_t *runtime = json_object_get(record, "runtime");
    *use = (struct fp_decoded_use){.pid = process(record, "pid"),
                                   .program = fp_log_string(record, "program"),
                                   .call = fp_log_string(record, "call")};
    fp_decode_runtime(arena, runtime, &use->runtime, &use->judgement);
    return decode_origin(arena, record, &use->fork) && json_is_object(runtime);
}
