/* See event.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/event.h"

#include "policy/record.h"

#include <string.h>

/* Adds one runtime unless the record would grow too long; true when it was added. */
static bool try_runtime(struct fp_text *text, const struct fp_runtime *runtime,
                        const struct fp_judgement *judgement, bool first)
{
    size_t before = text->length;
    text->size -= FP_RECORD_TAIL;
    if (!first)
        fp_text_append(text, ",", 1);
    fp_record_runtime(text, runtime, judgement);
    text->size += FP_RECORD_TAIL;
    if (!text->cut)
        return true;
    fp_text_back(text, before);
    return false;
}

const char *fp_origin_name(enum fp_origin origin)
{
    static const char *const NAMES[] = {"python", "native in python", "native"};
    return NAMES[origin];
}

void fp_event_fork(struct fp_text *text, const struct fp_event_header *header,
                   const struct fp_snapshot *snapshot, const struct fp_verdict *verdict,
                   pid_t child)
{
    size_t added = 0;
    fp_record_header(text, header);
    fp_text_format(text, ",\"call\":\"%s\",\"origin\":\"%s\"", snapshot->call,
                   fp_origin_name(snapshot->origin));
    if (child)
        fp_text_format(text, ",\"child\":%d", (int)child);
    else
        fp_text_format(text, ",\"child\":null");
    fp_text_format(text, ",\"threads\":%u,\"unattributed\":%u,\"main_lost\":%s", snapshot->threads,
                   snapshot->unattributed, snapshot->main_lost ? "true" : "false");
    size_t before_site = text->length;
    fp_record_site(text, &snapshot->site);
    if (text->cut || text->length + FP_RECORD_TAIL > text->size) { /* paths of thousands of bytes */
        fp_text_back(text, before_site);
        fp_text_format(text, ",\"site\":null");
    }
    fp_text_format(text, ",\"runtimes\":[");
    for (int silent = 0; silent < 2; silent++) /* those that matter first */
        for (size_t i = 0; i < snapshot->count; i++)
            if ((verdict->runtimes[i].speech == FP_SPEECH_SILENT) == silent)
                added += try_runtime(text, &snapshot->runtimes[i], &verdict->runtimes[i], !added);
    fp_text_format(text, "]");
    if (added < snapshot->count + snapshot->omitted)
        fp_text_format(text, ",\"omitted\":%zu", snapshot->count + snapshot->omitted - added);
    fp_record_end(text);
}

const char *fp_shortfall_what(enum fp_shortfall shortfall)
{
    static const char *const WHAT[] = {
#define FP_SHORTFALL(NAME, name, what) what,
#include "policy/shortfalls.def"
#undef FP_SHORTFALL
    };
    return WHAT[shortfall];
}

static void add_shortfalls(struct fp_text *text, unsigned shortfalls)
{
    static const char *const NAMES[] = {
#define FP_SHORTFALL(NAME, name, what) name,
#include "policy/shortfalls.def"
#undef FP_SHORTFALL
    };
    const char *comma = "";
    fp_text_format(text, ",\"short\":[");
    for (unsigned i = 0; i < FP_SHORTFALL_COUNT; i++) {
        if (!(shortfalls >> i & 1))
            continue;
        fp_text_format(text, "%s\"%s\"", comma, NAMES[i]);
        comma = ",";
    }
    fp_text_format(text, "]");
}

void fp_event_start(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_start *start)
{
    enum { POLICY_MOST = 400 }; /* a part of one would not say what it asks for */
    size_t length = strlen(start->policy);
    fp_record_header(text, header);
    fp_record_optional(text, "policy",
                       (struct fp_slice){start->policy, length > POLICY_MOST ? 0 : length});
    fp_record_string(text, "version", fp_record_shortened(start->shim_version, 64));
    add_shortfalls(text, start->shortfalls);
    size_t before = text->length;
    if (*start->policy_file)
        fp_record_string(text, "policy_file", fp_slice_of(start->policy_file));
    if (text->cut || text->length + 2 * FP_RECORD_TAIL > text->size) /* cut it names another one */
        fp_text_back(text, before);
    fp_record_last_string(text, "program", fp_slice_of(start->program));
    fp_record_end(text);
}

void fp_event_error(struct fp_text *text, const struct fp_event_header *header, const char *message)
{
    fp_record_header(text, header);
    fp_record_last_string(text, "message", fp_slice_of(message));
    fp_record_end(text);
}
