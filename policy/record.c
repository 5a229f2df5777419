/* See record.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/record.h"

#include "policy/advice.h"

#include <string.h>

void fp_record_string(struct fp_text *text, const char *key, struct fp_slice value)
{
    fp_text_format(text, ",\"%s\":", key);
    fp_text_json(text, value);
}

void fp_record_optional(struct fp_text *text, const char *key, struct fp_slice value)
{
    if (value.length)
        fp_record_string(text, key, value);
    else
        fp_text_format(text, ",\"%s\":null", key);
}

void fp_record_last_string(struct fp_text *text, const char *key, struct fp_slice value)
{
    size_t before = text->length;
    for (;; value.length /= 2) {
        text->size -= FP_RECORD_TAIL;
        fp_record_string(text, key, value);
        text->size += FP_RECORD_TAIL;
        if (!text->cut || !value.length)
            return;
        fp_text_back(text, before);
    }
}

struct fp_slice fp_record_shortened(const char *string, size_t most)
{
    struct fp_slice slice = fp_slice_of(string);
    slice.length = slice.length > most ? most : slice.length;
    return slice;
}

void fp_record_header(struct fp_text *text, const struct fp_event_header *header)
{
    char fraction[] = "000000";
    long microseconds = header->nanoseconds / 1000;
    for (size_t i = sizeof fraction - 1; i-- > 0; microseconds /= 10)
        fraction[i] = (char)('0' + microseconds % 10);
    fp_text_reset(text);
    fp_text_format(text, "{\"v\":%d,\"event\":\"%s\",\"time\":%ld.%s,\"pid\":%d,\"ppid\":%d",
                   FP_EVENT_VERSION, header->event, header->seconds, fraction, (int)header->pid,
                   (int)header->parent);
    fp_record_string(text, "host", fp_record_shortened(header->host, 64));
    fp_record_optional(text, "rank", fp_record_shortened(header->rank, 32));
}

void fp_record_end(struct fp_text *text)
{
    fp_text_append(text, "}\n", 2);
}

void fp_record_line(struct fp_text *text, const char *line)
{
    const char *colon = strrchr(line, ':');
    size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (!digits || colon[1 + digits] || colon[1] == '0')
        colon = NULL; /* a path that was cut, or that holds a colon of its own */
    struct fp_slice file = {line, colon ? (size_t)(colon - line) : strlen(line)};
    fp_text_format(text, "{\"file\":");
    fp_text_json(text, file);
    fp_text_format(text, ",\"line\":%s}", colon ? colon + 1 : "0");
}

void fp_record_site(struct fp_text *text, const struct fp_site *site)
{
    const struct {
        const char *key, *line;
    } lines[] = {{"user", site->user},
                 {"called", site->called},
                 {"library", site->library},
                 {"innermost", site->innermost}};
    fp_text_format(text, ",\"site\":{\"dso\":");
    fp_text_json(text, fp_slice_of(site->dso));
    fp_record_optional(text, "function", fp_slice_of(site->function));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        fp_text_format(text, ",\"%s\":", lines[i].key);
        if (*lines[i].line)
            fp_record_line(text, lines[i].line);
        else
            fp_text_format(text, "null");
    }
    fp_text_format(text, "}");
}

void fp_record_advice(struct fp_text *text, const struct fp_identity *identity)
{
    struct fp_slice advice;
    const struct fp_runtime runtime = {.identity = *identity};
    fp_text_format(text, ",\"advice\":[");
    for (size_t nth = 0; identity->known; nth++) {
        advice = fp_runtime_advice(&runtime, nth);
        if (!advice.length)
            break;
        fp_text_format(text, nth ? "," : "");
        fp_text_json(text, advice);
    }
    fp_text_format(text, "]");
    if (fp_runtime_value(&runtime, FP_WORD_REMEDY, 0).length)
        fp_text_format(text, ",\"remedy\":true");
    if (identity->known)
        fp_record_optional(text, "source",
                           fp_known_value(identity->source, identity->known, FP_WORD_SOURCE, 0));
}

/* Only where it is: most records are of forks of which no such line speaks. */
static void add_allowed(struct fp_text *text, const struct fp_allowed *allowed)
{
    if (!allowed->reason.length)
        return;
    fp_record_string(text, "allowed", allowed->reason);
    if (!allowed->line)
        return;
    fp_text_format(text, ",\"allowed_by\":{\"file\":");
    fp_text_json(text, fp_slice_of(allowed->path));
    fp_text_format(text, ",\"line\":%u}", allowed->line);
}

static void add_handlers(struct fp_text *text, unsigned handlers)
{
    static const char *const NAMES[] = {"prepare", "parent", "child"};
    const char *comma = "";
    fp_text_format(text, ",\"handlers\":[");
    for (unsigned i = 0; i < 3; i++) {
        if (handlers & (1U << i)) {
            fp_text_format(text, "%s\"%s\"", comma, NAMES[i]);
            comma = ",";
        }
    }
    fp_text_format(text, "]");
}

void fp_record_runtime(struct fp_text *text, const struct fp_runtime *runtime,
                       const struct fp_judgement *judgement)
{
    const struct fp_identity *identity = &runtime->identity;
    struct fp_slice name = {"", 0}, kind = {"", 0};
    if (identity->known) {
        name = fp_known_name(identity->source, identity->known);
        kind = fp_known_value(identity->source, identity->known, FP_WORD_KIND, 0);
    }
    fp_text_format(text, "{\"threads\":%u", runtime->threads);
    fp_record_optional(text, "name", name);
    fp_record_optional(text, "package", fp_slice_of(runtime->facts.package));
    fp_record_optional(text, "version", fp_slice_of(runtime->facts.version));
    fp_record_optional(text, "dso", fp_slice_of(runtime->facts.dso));
    fp_record_optional(text, "kind", kind);
    fp_record_string(text, "class", fp_slice_of(fp_class_name(judgement->class)));
    fp_record_string(text, "action", fp_slice_of(fp_action_name(judgement->action)));
    fp_record_string(text, "asked", fp_slice_of(fp_action_name(identity->asked)));
    add_allowed(text, &identity->allowed);
    fp_record_optional(text, "names", fp_slice_of(runtime->names));
    fp_record_optional(text, "started", fp_slice_of(runtime->started));
    add_handlers(text, runtime->handlers);
    if (judgement->speech != FP_SPEECH_SILENT)
        fp_record_advice(text, identity);
    fp_text_format(text, "}");
}

/* A path's end says more than its beginning. */
static struct fp_slice end_of(const char *string, size_t most)
{
    size_t length = strlen(string);
    return fp_slice_of(length > most ? string + length - most : string);
}

static void add_brief(struct fp_text *text, const struct fp_runtime *runtime,
                      const struct fp_judgement *judgement)
{
    const struct fp_identity *identity = &runtime->identity;
    struct fp_slice name = {"", 0};
    if (identity->known)
        name = fp_known_name(identity->source, identity->known);
    fp_text_format(text, "{\"threads\":%u", runtime->threads);
    fp_record_optional(text, "name", name);
    fp_record_optional(text, "package", fp_record_shortened(runtime->facts.package, 64));
    fp_record_optional(text, "version", fp_record_shortened(runtime->facts.version, 32));
    fp_record_optional(text, "dso", end_of(runtime->facts.dso, 96));
    fp_record_string(text, "class", fp_slice_of(fp_class_name(judgement->class)));
    fp_record_string(text, "action", fp_slice_of(fp_action_name(judgement->action)));
    fp_text_format(text, "}");
}

void fp_record_runtime_within(struct fp_text *text, const struct fp_runtime *runtime,
                              const struct fp_judgement *judgement, size_t most)
{
    struct fp_judgement told = *judgement;
    size_t before = text->length, size = text->size;
    told.speech = FP_SPEECH_TELL; /* with its advice */
    text->size = before + most < size ? before + most : size;
    fp_record_runtime(text, runtime, &told);
    text->size = size;
    if (!text->cut)
        return;
    fp_text_back(text, before);
    add_brief(text, runtime, judgement);
}
