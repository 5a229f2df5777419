/* See event.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/event.h"

#include "policy/policy_text.h"

#include <string.h>

/* Kept free behind the runtimes for what closes the record. */
enum { TAIL_ROOM = 48 };

static void add_string(struct fp_text *text, const char *key, struct fp_slice value)
{
    fp_text_format(text, ",\"%s\":", key);
    fp_text_json(text, value);
}

static void add_optional(struct fp_text *text, const char *key, struct fp_slice value)
{
    if (value.length)
        add_string(text, key, value);
    else
        fp_text_format(text, ",\"%s\":null", key);
}

/*
 * The last string of a record, shortened until the record can be closed behind it: a tool must be
 * able to read every line.
 */
static void add_last_string(struct fp_text *text, const char *key, struct fp_slice value)
{
    size_t before = text->length;
    for (;; value.length /= 2) {
        text->size -= TAIL_ROOM;
        add_string(text, key, value);
        text->size += TAIL_ROOM;
        if (!text->cut || !value.length)
            return;
        text->length = before;
        text->cut = false;
    }
}

/* Host and rank come from outside too, and everything else must fit behind them. */
static struct fp_slice shortened(const char *string, size_t most)
{
    struct fp_slice slice = fp_slice_of(string);
    slice.length = slice.length > most ? most : slice.length;
    return slice;
}

static void add_header(struct fp_text *text, const struct fp_event_header *header)
{
    char fraction[] = "000000";
    long microseconds = header->nanoseconds / 1000;
    for (size_t i = sizeof fraction - 1; i-- > 0; microseconds /= 10)
        fraction[i] = (char)('0' + microseconds % 10);
    fp_text_reset(text);
    fp_text_format(text, "{\"v\":%d,\"event\":\"%s\",\"time\":%ld.%s,\"pid\":%d,\"ppid\":%d",
                   FP_EVENT_VERSION, header->event, header->seconds, fraction, (int)header->pid,
                   (int)header->parent);
    add_string(text, "host", shortened(header->host, 64));
    add_optional(text, "rank", shortened(header->rank, 32));
}

static void add_end(struct fp_text *text)
{
    fp_text_append(text, "}\n", 2);
}

/* "file:line" as two fields, so that a reader need not split paths that hold colons. */
static void add_line(struct fp_text *text, const char *line)
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

static void add_site(struct fp_text *text, const struct fp_site *site)
{
    const struct {
        const char *key, *line;
    } lines[] = {{"user", site->user},
                 {"called", site->called},
                 {"library", site->library},
                 {"innermost", site->innermost}};
    fp_text_format(text, ",\"site\":{\"dso\":");
    fp_text_json(text, fp_slice_of(site->dso));
    add_optional(text, "function", fp_slice_of(site->function));
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        fp_text_format(text, ",\"%s\":", lines[i].key);
        if (*lines[i].line)
            add_line(text, lines[i].line);
        else
            fp_text_format(text, "null");
    }
    fp_text_format(text, "}");
}

static void add_advice(struct fp_text *text, const struct fp_identity *identity)
{
    struct fp_slice advice;
    fp_text_format(text, ",\"advice\":[");
    for (size_t nth = 0; identity->known; nth++) {
        advice = fp_known_value(identity->source, identity->known, FP_WORD_ADVICE, nth);
        if (!advice.length)
            break;
        fp_text_format(text, nth ? "," : "");
        fp_text_json(text, advice);
    }
    fp_text_format(text, "]");
    if (identity->known)
        add_optional(text, "source",
                     fp_known_value(identity->source, identity->known, FP_WORD_SOURCE, 0));
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

static void add_runtime(struct fp_text *text, const struct fp_runtime *runtime,
                        const struct fp_judgement *judgement)
{
    const struct fp_identity *identity = &runtime->identity;
    struct fp_slice name = {"", 0}, kind = {"", 0};
    if (identity->known) {
        name = fp_known_name(identity->source, identity->known);
        kind = fp_known_value(identity->source, identity->known, FP_WORD_KIND, 0);
    }
    fp_text_format(text, "{\"threads\":%u", runtime->threads);
    add_optional(text, "name", name);
    add_optional(text, "package", fp_slice_of(runtime->facts.package));
    add_optional(text, "version", fp_slice_of(runtime->facts.version));
    add_optional(text, "dso", fp_slice_of(runtime->facts.dso));
    add_optional(text, "kind", kind);
    add_string(text, "class", fp_slice_of(fp_class_name(judgement->class)));
    add_string(text, "action", fp_slice_of(fp_action_name(judgement->action)));
    add_string(text, "asked", fp_slice_of(fp_action_name(identity->asked)));
    add_optional(text, "names", fp_slice_of(runtime->names));
    add_optional(text, "started", fp_slice_of(runtime->started));
    add_handlers(text, runtime->handlers);
    if (judgement->speech != FP_SPEECH_SILENT)
        add_advice(text, identity);
    fp_text_format(text, "}");
}

/* Adds one runtime unless the record would grow too long; true when it was added. */
static bool try_runtime(struct fp_text *text, const struct fp_runtime *runtime,
                        const struct fp_judgement *judgement, bool first)
{
    size_t before = text->length;
    text->size -= TAIL_ROOM;
    if (!first)
        fp_text_append(text, ",", 1);
    add_runtime(text, runtime, judgement);
    text->size += TAIL_ROOM;
    if (!text->cut)
        return true;
    text->length = before;
    text->data[before] = '\0';
    text->cut = false;
    return false;
}

void fp_event_fork(struct fp_text *text, const struct fp_event_header *header,
                   const struct fp_snapshot *snapshot, const struct fp_verdict *verdict,
                   pid_t child)
{
    static const char *const ORIGINS[] = {"python", "native in python", "native"};
    size_t added = 0;
    add_header(text, header);
    fp_text_format(text, ",\"call\":\"%s\",\"origin\":\"%s\"", snapshot->call,
                   ORIGINS[snapshot->origin]);
    if (child)
        fp_text_format(text, ",\"child\":%d", (int)child);
    else
        fp_text_format(text, ",\"child\":null");
    fp_text_format(text, ",\"threads\":%u,\"unattributed\":%u,\"main_lost\":%s", snapshot->threads,
                   snapshot->unattributed, snapshot->main_lost ? "true" : "false");
    size_t before_site = text->length;
    add_site(text, &snapshot->site);
    if (text->cut || text->length + TAIL_ROOM > text->size) { /* paths of thousands of bytes */
        text->length = before_site;
        text->cut = false;
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
    add_end(text);
}

void fp_event_start(struct fp_text *text, const struct fp_event_header *header, const char *program,
                    const char *shim_version)
{
    add_header(text, header);
    add_string(text, "version", shortened(shim_version, 64));
    add_last_string(text, "program", fp_slice_of(program));
    add_end(text);
}

void fp_event_error(struct fp_text *text, const struct fp_event_header *header, const char *message)
{
    add_header(text, header);
    add_last_string(text, "message", fp_slice_of(message));
    add_end(text);
}
