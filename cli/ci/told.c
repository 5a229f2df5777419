/* See told.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/ci/told.h"

#include "cli/ci/idleness.h"

#include <string.h>

static void note_hang(struct fp_told *told, const struct fp_log_record *record)
{
    bool is_proven = strcmp(fp_log_string(record->json, "verdict"), "proven") == 0;
    bool goes_on = strcmp(fp_log_string(record->json, "outcome"), "waits") != 0;
    fp_set_add(&told->hanging, fp_hash_number((uint64_t)record->pid, 0));
    if (goes_on && !told->acted)
        told->acted = record->line;
    /* A task's answer is heard by whoever waits for it. */
    if (goes_on && !told->unheard && !json_is_true(json_object_get(record->json, "answered")))
        told->unheard = record->line;
    /* The first one is the cause; a worse one takes its place: proven, and still waiting. */
    if (told->hung && (told->is_proven || !is_proven) && (!told->goes_on || goes_on))
        return;
    told->hung = (pid_t)record->pid;
    told->line = record->line;
    told->is_proven = is_proven;
    told->goes_on = goes_on;
    told->at = fp_idleness_now();
}

void fp_told_note(struct fp_told *told, const struct fp_log_record *record)
{
    /* Parked: it may be how a worker sleeps until it is killed. */
    if (strcmp(record->event, "hang") == 0 &&
        strcmp(fp_log_string(record->json, "reason"), "parked") != 0)
        note_hang(told, record);
    bool crashed = strcmp(record->event, "crash") == 0;
    if ((crashed || strcmp(record->event, "refused") == 0) && !told->acted)
        told->acted = record->line;
    if (crashed && !told->unheard)
        told->unheard = record->line;
}
