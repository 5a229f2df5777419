/* See party.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/report_once.h"
#include "shim/carry/party.h"
#include "shim/threads/resolve.h"
#include "shim/threads/runtimes.h"

struct telling {
    const struct fp_runtime *runtime;
    const struct fp_carry_outcome *outcome;
};

static void record(void *context)
{
    const struct telling *telling = context;
    char line[FP_EVENT_MAX + 1], host[65];
    struct fp_text text = FP_TEXT(line);
    struct fp_event_header header = fp_emit_header("carry", host, sizeof host);
    fp_event_carry(&text, &header, telling->runtime, telling->outcome);
    fp_emit_record(&text);
}

static void say(void *context)
{
    const struct telling *telling = context;
    char block[1024];
    struct fp_text text = FP_TEXT(block);
    fp_message_uncarried(&text, telling->runtime, telling->outcome);
    fp_emit_text((struct fp_slice){block, text.length});
}

void fp_party_tell(struct fp_party *party)
{
    for (size_t i = 0; i < party->count; i++) {
        struct fp_carry_outcome *outcome = &party->members[i].outcome;
        struct fp_runtime_entry *entry = fp_runtime_at(party->members[i].runtime);
        struct fp_runtime runtime = fp_resolve_runtime(entry, outcome->threads);
        const struct telling telling = {&runtime, outcome};
        outcome->microseconds = party->microseconds;
        if (outcome->reason && fp_once(runtime.facts.dso, fp_uncarried_why(outcome->reason)))
            fp_on_own_stack(say, (void *)&telling);
        if (fp_emit_has_log())
            fp_on_own_stack(record, (void *)&telling);
    }
}
