/*
 * Records of a log as what the shim made them from: the structs of policy/, so that its message
 * code says the same words again, elsewhere and later.
 *
 * Total: whatever a record lacks is as if it were not known. Strings are borrowed from the record
 * or lie in the arena; both must live as long as the result.
 *
 * Not in the log, and guessed from what is: whether a runtime's threads run Python code, and
 * whether a fork in a hang's record was Python's. Members "program", "interruptible", "origin" (of
 * a hang's fork), "file" and "thread" (of a runtime) are taken where a record has them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_DECODE_H
#define FP_CLI_DECODE_H

#include "cli/record/record.h"
#include "policy/crash.h"

/* A fork, or one that was refused. */
struct fp_decoded_fork {
    struct fp_snapshot snapshot;
    struct fp_verdict verdict;
    bool told[FP_RUNTIMES_MAX]; /* what the shim spoke about; all false where it was silent */
};

/* A lost runtime that was called in the child. */
struct fp_decoded_use {
    pid_t pid;
    const char *program, *call;
    struct fp_runtime runtime;
    struct fp_judgement judgement;
    struct fp_fork_origin fork;
};

/* Each is false where something that its message stands on is missing; the result can be used. */
bool fp_decode_hang(struct fp_cli_arena *arena, const struct fp_log_record *record,
                    struct fp_hang *hang);
bool fp_decode_fork(struct fp_cli_arena *arena, const struct fp_log_record *record,
                    struct fp_decoded_fork *fork);
bool fp_decode_crash(struct fp_cli_arena *arena, const struct fp_log_record *record,
                     struct fp_crash *crash);
bool fp_decode_use(struct fp_cli_arena *arena, const struct fp_log_record *record,
                   struct fp_decoded_use *use);

void fp_decode_site(struct fp_cli_arena *arena, const struct fp_log_site *told,
                    struct fp_site *site);
enum fp_origin fp_decode_fork_origin(const struct fp_log_fork *fork, const struct fp_site *site);
void fp_decode_runtime(struct fp_cli_arena *arena, const struct fp_log_runtime *told,
                       struct fp_runtime *runtime, struct fp_judgement *judgement);

/* Appends the name that messages give a runtime. */
void fp_decode_runtime_name(struct fp_text *text, const struct fp_log_runtime *told);

#endif
