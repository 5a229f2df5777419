/* Crashes of children in a tally. See tally_row.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/tally_row.h"

#include "cli/record/decode.h"

/* It stands at the runtime that is told first. */
void fp_tally_add_crash(struct fp_tally *tally, const struct fp_log_record *record,
                        const char *program)
{
    char buffer[FP_EVENT_MAX];
    struct fp_text text = FP_TEXT(buffer);
    struct fp_cli_arena arena = {0};
    struct fp_tally_site *site = fp_tally_find_site(tally, &record->fork);
    struct fp_tally_row *row = fp_tally_find_row(tally, site, &record->runtimes.list[0]);
    tally->crashes++;
    if (!row)
        return;
    row->crashes++;
    if (!*row->signal)
        row->signal = fp_tally_kept(tally, record->signal);
    fp_tally_find_worse(row, site, FP_FINDING_CRASHED);
    if (!fp_tally_wants_message(row, FP_FINDING_CRASHED))
        return;
    struct fp_crash *crash = fp_cli_arena_take(&arena, sizeof *crash);
    fp_decode_crash(&arena, record, crash);
    crash->program = program;
    fp_message_crash(&text, crash);
    row->message = fp_tally_kept(tally, text.data);
    fp_cli_arena_free(&arena);
}
