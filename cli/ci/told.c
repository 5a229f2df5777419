/* See told.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/ci/told.h"

#include "cli/ci/idleness.h"

static void note_hang(struct fp_told *told, const struct fp_log_record *record)
{
    bool is_proven = record->grade == FP_GRADE_PROVEN;
    bool goes_on = record->outcome != FP_OUTCOME_WAITS;
    fp_set_add(&told->hanging, fp_hash_number((uint64_t)record->pid, 0));
    if (goes_on && !told->acted)
        told->acted = record->line;
    /* A task's answer is heard by whoever waits for it. */
    if (goes_on && !told->unheard && !record->answered)
        told->unheard = record->line;
    /* The first one is the cause; a worse one takes its place: proven, and still waiting. */
    if (told->hung && (told->is_proven || !is_proven) && (!told->goes_on || goes_on))
        return;
    told->hung = record->pid;
    told->line = record->line;
    told->is_proven = is_proven;
    told->goes_on = goes_on;
    told->at = fp_idleness_now();
}

void fp_told_note(struct fp_told *told, const struct fp_log_record *record)
{
    /* Parked: it may be how a worker sleeps until it is killed. */
    if (record->kind == FP_LOG_HANG && record->reason != FP_REASON_PARKED)
        note_hang(told, record);
    bool crashed = record->kind == FP_LOG_CRASH;
    if ((crashed || record->kind == FP_LOG_REFUSED) && !told->acted)
        told->acted = record->line;
    if (crashed && !told->unheard)
        told->unheard = record->line;
}
