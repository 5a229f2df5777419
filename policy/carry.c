/* See carry.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/carry.h"

#include "policy/policy_text.h"
#include "policy/record.h"
#include "policy/version.h"

static const char *const NAMES[] = {
#define FP_UNCARRIED(NAME, name, why) name,
#include "policy/carry_reasons.def"
#undef FP_UNCARRIED
};

static const char *const WHY[] = {
#define FP_UNCARRIED(NAME, name, why) why,
#include "policy/carry_reasons.def"
#undef FP_UNCARRIED
};

bool fp_carry_is_tried(const struct fp_identity *identity, const char *version)
{
    struct fp_slice have = fp_slice_of(version), tried;
    if (!identity->known || !fp_version_valid(have))
        return false;
    for (size_t nth = 0;; nth++) {
        tried = fp_known_value(identity->source, identity->known, FP_WORD_CARRIED, nth);
        if (!tried.length || fp_version_compare(have, tried) == 0)
            return tried.length != 0;
    }
}

const char *fp_uncarried_why(enum fp_uncarried reason)
{
    return WHY[reason];
}

static struct fp_slice table_name(const struct fp_runtime *runtime)
{
    const struct fp_identity *identity = &runtime->identity;
    return identity->known ? fp_known_name(identity->source, identity->known)
                           : (struct fp_slice){"", 0};
}

void fp_message_uncarried(struct fp_text *text, const struct fp_runtime *runtime,
                          const struct fp_carry_outcome *outcome)
{
    struct fp_slice name = table_name(runtime);
    fp_text_format(text, "forkpolicy: ");
    fp_text_quote(text, name.length ? name : fp_slice_of(runtime->facts.dso), 300);
    fp_text_format(text, " is not carried into the child: %s", WHY[outcome->reason]);
    if (outcome->thread)
        fp_text_format(text, " (thread %d)", outcome->thread);
    if (outcome->descriptor)
        fp_text_format(text, " (descriptor %d)", outcome->descriptor);
    fp_text_format(text, "; it acts as \"reset\"\n");
}

void fp_event_carry(struct fp_text *text, const struct fp_event_header *header,
                    const struct fp_runtime *runtime, const struct fp_carry_outcome *outcome)
{
    fp_record_header(text, header);
    fp_record_optional(text, "name", table_name(runtime));
    fp_record_optional(text, "package", fp_record_shortened(runtime->facts.package, 128));
    fp_record_optional(text, "version", fp_record_shortened(runtime->facts.version, 64));
    fp_record_string(text, "reason", fp_slice_of(NAMES[outcome->reason]));
    fp_record_optional(text, "error", fp_slice_of(WHY[outcome->reason]));
    fp_text_format(text, ",\"threads\":%u,\"thread\":%d,\"descriptor\":%d,\"microseconds\":%lu",
                   outcome->threads, outcome->thread, outcome->descriptor, outcome->microseconds);
    fp_record_last_string(text, "dso", fp_slice_of(runtime->facts.dso));
    fp_record_end(text);
}
