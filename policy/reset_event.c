/* See reset_event.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/reset_event.h"

#include "policy/policy_text.h"
#include "policy/record.h"

void fp_event_reset(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_runtime *runtime, struct fp_slice function,
                    unsigned long microseconds, const char *wrong)
{
    const struct fp_identity *identity = &runtime->identity;
    struct fp_slice name = {"", 0};
    if (identity->known)
        name = fp_known_name(identity->source, identity->known);
    fp_record_header(text, header);
    fp_record_optional(text, "name", name);
    fp_record_optional(text, "package", fp_record_shortened(runtime->facts.package, 128));
    fp_record_optional(text, "version", fp_record_shortened(runtime->facts.version, 64));
    function.length = function.length > 128 ? 128 : function.length;
    fp_record_optional(text, "function", function);
    fp_record_optional(text, "error", fp_record_shortened(wrong, 200));
    fp_text_format(text, ",\"microseconds\":%lu", microseconds);
    fp_record_last_string(text, "dso", fp_slice_of(runtime->facts.dso));
    fp_record_end(text);
}

void fp_event_handler(struct fp_text *text, const struct fp_event_header *header, const char *name,
                      const char *phase, unsigned long microseconds, const char *wrong)
{
    fp_record_header(text, header);
    fp_record_string(text, "name", fp_record_shortened(name, 64));
    fp_record_string(text, "phase", fp_slice_of(phase));
    fp_record_optional(text, "error", fp_record_shortened(wrong, 200));
    fp_text_format(text, ",\"microseconds\":%lu", microseconds);
    fp_record_end(text);
}

void fp_event_sever(struct fp_text *text, const struct fp_event_header *header, bool severed,
                    unsigned count, struct fp_slice sockets)
{
    fp_record_header(text, header);
    fp_text_format(text, ",\"severed\":%s,\"count\":%u", severed ? "true" : "false", count);
    fp_record_last_string(text, "sockets", sockets);
    fp_record_end(text);
}

void fp_event_quiesce(struct fp_text *text, const struct fp_event_header *header,
                      unsigned long microseconds, const char *thread, bool is_quiet)
{
    fp_record_header(text, header);
    fp_text_format(text, ",\"quiet\":%s,\"microseconds\":%lu", is_quiet ? "true" : "false",
                   microseconds);
    fp_record_string(text, "thread", fp_record_shortened(thread, 64));
    fp_record_end(text);
}
