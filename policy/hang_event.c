/* See hang_event.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/hang_event.h"

#include "policy/hang_advice.h"
#include "policy/record.h"

#include <string.h>

const char *fp_outcome_name(enum fp_outcome outcome)
{
    static const char *const NAMES[] = {
#define FP_OUTCOME(NAME, name, now, later, counted) name,
#include "policy/outcomes.def"
    };
    return NAMES[outcome];
}

/* Seconds with three places. */
static void add_seconds(struct fp_text *text, const char *key, unsigned long milliseconds)
{
    char places[] = "000";
    for (unsigned long rest = milliseconds % 1000, i = 3; i-- > 0; rest /= 10)
        places[i] = (char)('0' + rest % 10);
    fp_text_format(text, "\"%s\":%lu.%s", key, milliseconds / 1000, places);
}

/* Paths can be hundreds of bytes long; then the stacks give way first, and then the lines between.
 */
enum { STACKS_ROOM = 1600, RUNTIME_ROOM = 1800 };

static void add_waiting(struct fp_text *text, const struct fp_hang *hang, const struct fp_site *at)
{
    fp_text_format(text, ",\"waiting\":{");
    add_seconds(text, "seconds", hang->milliseconds);
    fp_record_string(text, "call", fp_slice_of(fp_wait_name(hang->wait)));
    fp_record_optional(text, "dso", fp_slice_of(hang->waiting.dso));
    fp_record_optional(text, "package", fp_slice_of(hang->waiting.package));
    fp_record_optional(text, "version", fp_slice_of(hang->waiting.version));
    fp_text_format(text, ",\"tid\":%d", (int)hang->tid);
    fp_record_site(text, at);
    fp_text_format(text, "}");
}

static void add_fork(struct fp_text *text, const struct fp_fork_origin *fork,
                     const struct fp_site *site)
{
    fp_text_format(text, ",\"fork\":{");
    add_seconds(text, "seconds", fork->milliseconds);
    fp_record_optional(text, "call", fp_slice_of(fork->call));
    fp_record_string(text, "origin", fp_slice_of(fp_origin_name(fork->origin)));
    fp_text_format(text, ",\"parent\":%d,\"lost_threads\":%u", (int)fork->parent,
                   fork->lost_threads);
    fp_record_site(text, site);
    fp_text_format(text, "}");
}

void fp_record_fork(struct fp_text *text, const struct fp_fork_origin *fork)
{
    size_t before = text->length;
    add_fork(text, fork, fork->site);
    if (!text->cut && text->length + FP_RECORD_TAIL <= text->size)
        return;
    fp_text_back(text, before);
    fp_text_format(text, ",\"fork\":null");
}

static void add_python_frame(struct fp_text *text, const void *frames, size_t nth)
{
    const struct fp_python_frame *frame = (const struct fp_python_frame *)frames + nth;
    fp_text_format(text, "{\"line\":%d", frame->line);
    fp_record_string(text, "file", fp_slice_of(frame->file));
    fp_record_string(text, "function", fp_slice_of(frame->function));
    fp_text_format(text, "}");
}

static void add_native_frame(struct fp_text *text, const void *frames, size_t nth)
{
    const struct fp_native_frame *frame = (const struct fp_native_frame *)frames + nth;
    fp_text_format(text, "{\"offset\":%lu", frame->offset);
    fp_record_string(text, "dso", fp_slice_of(frame->dso));
    fp_record_optional(text, "symbol", fp_slice_of(frame->symbol));
    fp_text_format(text, "}");
}

/* As many frames as there is room for before `reserved`, innermost first. */
static void add_stack(struct fp_text *text, const char *key, const void *frames, size_t count,
                      size_t reserved,
                      void (*add)(struct fp_text *text, const void *frames, size_t nth))
{
    fp_text_format(text, ",\"%s\":[", key);
    text->size -= reserved;
    for (size_t i = 0; i < count && !text->cut; i++) {
        size_t before = text->length;
        fp_text_format(text, i ? "," : "");
        add(text, frames, i);
        if (text->cut) {
            text->length = before;
            text->data[before] = '\0';
        }
    }
    text->cut = false;
    text->size += reserved;
    fp_text_format(text, "]");
}

static struct fp_site shortened(const struct fp_site *site)
{
    const char *line = fp_site_line(site);
    return (struct fp_site){.user = site->user,
                            .library = line == site->library ? line : "",
                            .called = "",
                            .innermost = line == site->innermost ? line : "",
                            .function = site->function,
                            .dso = ""};
}

static bool try_places(struct fp_text *text, const struct fp_hang *hang, const struct fp_site *fork,
                       const struct fp_site *at)
{
    size_t before = text->length;
    add_fork(text, &hang->fork, fork);
    add_waiting(text, hang, at);
    if (!text->cut && text->length + FP_RECORD_TAIL * 2UL <= text->size)
        return true;
    fp_text_back(text, before);
    return false;
}

void fp_event_hang(struct fp_text *text, const struct fp_event_header *header,
                   const struct fp_hang *hang)
{
    fp_record_header(text, header);
    fp_text_format(text, ",\"verdict\":\"%s\",\"reason\":\"%s\",\"outcome\":\"%s\",\"threads\":%u",
                   fp_grade_name(hang->opinion.grade), fp_reason_name(hang->opinion.reason),
                   fp_outcome_name(hang->outcome), hang->threads);
    fp_text_format(text, ",\"interruptible\":%s,\"answered\":%s",
                   hang->interruptible ? "true" : "false", hang->answered ? "true" : "false");
    fp_text_format(text, ",\"cause\":\"%s\",\"lost\":", fp_cause_name(hang->cause));
    if (hang->lost)
        fp_record_runtime_within(text, hang->lost, &hang->judgement, RUNTIME_ROOM);
    else
        fp_text_format(text, "null");
    fp_record_holders(text, &hang->holders);
    if (fp_hang_remedy(hang).length)
        fp_record_string(text, "fix", fp_hang_remedy(hang));
    if (!try_places(text, hang, hang->fork.site, &hang->at)) {
        struct fp_site fork = shortened(hang->fork.site), at = shortened(&hang->at);
        if (!try_places(text, hang, &fork, &at))
            fp_text_format(text, ",\"fork\":null,\"waiting\":null");
    }
    size_t room = text->size - text->length;
    add_stack(text, "python_stack", hang->python, hang->python_count,
              room > STACKS_ROOM ? STACKS_ROOM / 2 : FP_RECORD_TAIL * 2, add_python_frame);
    add_stack(text, "native_stack", hang->native, hang->native_count, FP_RECORD_TAIL,
              add_native_frame);
    fp_record_end(text);
}

void fp_event_use(struct fp_text *text, const struct fp_event_header *header,
                  const struct fp_runtime *runtime, const struct fp_judgement *judgement,
                  const char *call, const struct fp_fork_origin *fork)
{
    fp_record_header(text, header);
    fp_record_string(text, "call", fp_slice_of(call));
    fp_text_format(text, ",\"runtime\":");
    fp_record_runtime_within(text, runtime, judgement, RUNTIME_ROOM);
    fp_record_fork(text, fork);
    fp_record_end(text);
}
