/* Hangs, forks and uses of records. See decode.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/record/decode.h"

#include <string.h>

static unsigned long milliseconds(double seconds)
{
    double value = seconds * 1000 + 0.5;
    return !(value > 0) ? 0 : value < 1e15 ? (unsigned long)value : 1000000000000000UL;
}

enum fp_origin fp_decode_fork_origin(const struct fp_log_fork *fork, const struct fp_site *site)
{
    for (unsigned i = 0; i <= FP_ORIGIN_NATIVE; i++)
        if (strcmp(fork->origin, fp_origin_name((enum fp_origin)i)) == 0)
            return (enum fp_origin)i;
    return *fp_site_line(site) ? FP_ORIGIN_PYTHON : FP_ORIGIN_NATIVE;
}

static bool decode_origin(struct fp_cli_arena *arena, const struct fp_log_record *record,
                          struct fp_fork_origin *origin)
{
    const struct fp_log_fork *fork = &record->fork;
    struct fp_site *site = fp_cli_arena_take(arena, sizeof *site);
    fp_decode_site(arena, &fork->site, site);
    *origin = (struct fp_fork_origin){.call = fork->call,
                                      .origin = fp_decode_fork_origin(fork, site),
                                      .site = site,
                                      .parent = fork->parent ? fork->parent : record->parent,
                                      .lost_threads = (unsigned)fork->lost_threads,
                                      .milliseconds = milliseconds(fork->seconds)};
    return fork->there;
}

static void decode_python_stack(struct fp_cli_arena *arena, const fp_log_FRAMES *stack,
                                struct fp_hang *hang)
{
    struct fp_python_frame *frames = fp_cli_arena_take(arena, stack->count * sizeof *frames);
    for (size_t i = 0; i < stack->count; i++) {
        const struct fp_log_frame *told = &stack->list[i];
        struct fp_text function = FP_TEXT(frames[i].function);
        const char *file = told->file;
        size_t length = strlen(file);
        if (length >= sizeof frames[i].file)
            file += length - sizeof frames[i].file + 1;
        memcpy(frames[i].file, file, strlen(file) + 1);
        fp_text_append(&function, told->function, strlen(told->function));
        frames[i].line = (int)told->line;
    }
    hang->python = frames;
    hang->python_count = stack->count;
}

static void decode_native_stack(struct fp_cli_arena *arena, const fp_log_FRAMES *stack,
                                struct fp_hang *hang)
{
    struct fp_native_frame *frames = fp_cli_arena_take(arena, stack->count * sizeof *frames);
    for (size_t i = 0; i < stack->count; i++) {
        const struct fp_log_frame *told = &stack->list[i];
        frames[i] = (struct fp_native_frame){told->dso, told->symbol, told->offset};
    }
    hang->native = frames;
    hang->native_count = stack->count;
}

static void decode_holders(const struct fp_log_record *record, struct fp_holders *holders)
{
    holders->sure = record->holders_sure;
    holders->others = (unsigned)record->holders_more;
    for (size_t i = 0; i < record->holders.count && i < FP_HOLDERS_MAX; i++) {
        const struct fp_log_holder *told = &record->holders.list[i];
        holders->list[holders->count++] =
            (struct fp_holder){told->thread, told->line, told->function};
    }
}

bool fp_decode_hang(struct fp_cli_arena *arena, const struct fp_log_record *record,
                    struct fp_hang *hang)
{
    const struct fp_log_waiting *waiting = &record->waiting;
    bool is_known = waiting->wait < FP_WAIT_COUNT;
    *hang = (struct fp_hang){.program = record->program,
                             .pid = record->pid,
                             .tid = waiting->tid,
                             .opinion = {record->grade, record->reason},
                             .outcome = record->outcome < FP_OUTCOME_COUNT ? record->outcome
                                                                           : FP_OUTCOME_WAITS,
                             .wait = is_known ? waiting->wait : FP_WAIT_FUTEX,
                             .interruptible = record->interruptible,
                             .waiting = {waiting->dso, "", "", waiting->package, waiting->version},
                             .milliseconds = milliseconds(waiting->seconds),
                             .threads = (unsigned)record->threads,
                             .judgement = {.action = FP_ACTION_WARN},
                             .cause = record->cause};
    fp_decode_site(arena, &waiting->site, &hang->at);
    if (record->runtime.there) {
        struct fp_runtime *runtime = fp_cli_arena_take(arena, sizeof *runtime);
        fp_decode_runtime(arena, &record->runtime, runtime, &hang->judgement);
        hang->lost = runtime;
    }
    bool whole = decode_origin(arena, record, &hang->fork);
    decode_holders(record, &hang->holders);
    decode_python_stack(arena, &record->python_stack, hang);
    decode_native_stack(arena, &record->native_stack, hang);
    return whole && is_known && hang->opinion.grade != FP_GRADE_NONE;
}

static void decode_runtimes(struct fp_cli_arena *arena, const fp_log_RUNTIMES *runtimes,
                            struct fp_decoded_fork *fork)
{
    struct fp_snapshot *snapshot = &fork->snapshot;
    for (size_t i = 0; i < runtimes->count; i++) {
        size_t at = snapshot->count;
        if (at == FP_RUNTIMES_MAX || !runtimes->list[i].there) {
            snapshot->omitted++;
            continue;
        }
        struct fp_judgement *judgement = &fork->verdict.runtimes[at];
        fp_decode_runtime(arena, &runtimes->list[i], &snapshot->runtimes[at], judgement);
        fork->told[at] = judgement->speech != FP_SPEECH_SILENT;
        fork->verdict.tell |= fork->told[at];
        snapshot->count++;
    }
}

bool fp_decode_fork(struct fp_cli_arena *arena, const struct fp_log_record *record,
                    struct fp_decoded_fork *fork)
{
    static const char *const NOTHING[] = {NULL};
    struct fp_snapshot *snapshot = &fork->snapshot;
    memset(fork, 0, sizeof *fork);
    fp_decode_site(arena, &record->fork.site, &snapshot->site);
    snapshot->call = *record->fork.call ? record->fork.call : "fork";
    snapshot->origin = fp_decode_fork_origin(&record->fork, &snapshot->site);
    snapshot->pid = record->pid;
    snapshot->program = record->program;
    snapshot->threads = (unsigned)record->threads;
    snapshot->unattributed = (unsigned)record->unattributed;
    snapshot->main_lost = record->main_lost;
    snapshot->omitted = record->omitted;
    snapshot->environment = NOTHING;
    fork->verdict.refuse = record->kind == FP_LOG_REFUSED;
    decode_runtimes(arena, &record->runtimes, fork);
    return record->runtimes.there && record->fork.site.there;
}

bool fp_decode_crash(struct fp_cli_arena *arena, const struct fp_log_record *record,
                     struct fp_crash *crash)
{
    const fp_log_RUNTIMES *runtimes = &record->runtimes;
    *crash = (struct fp_crash){
        .program = record->program,
        .pid = record->child,
        .signal = fp_crash_parse(fp_slice_of(record->signal)),
    };
    for (size_t i = 0; i < runtimes->count && crash->count < FP_CRASH_RUNTIMES; i++) {
        if (!runtimes->list[i].there)
            continue;
        fp_decode_runtime(arena, &runtimes->list[i], &crash->runtimes[crash->count],
                          &crash->judgements[crash->count]);
        crash->count++;
    }
    return decode_origin(arena, record, &crash->fork) && crash->pid && crash->signal;
}

bool fp_decode_use(struct fp_cli_arena *arena, const struct fp_log_record *record,
                   struct fp_decoded_use *use)
{
    *use = (struct fp_decoded_use){
        .pid = record->pid, .program = record->program, .call = record->call};
    fp_decode_runtime(arena, &record->runtime, &use->runtime, &use->judgement);
    return decode_origin(arena, record, &use->fork) && record->runtime.there;
}
