/* See reset.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/reset/reset.h"

#include "policy/advice.h"
#include "policy/reset_event.h"
#include "shim/base/child_section.h"
#include "shim/base/clock.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/report_once.h"
#include "shim/base/self.h"
#include "shim/libraries/elf.h"
#include "shim/libraries/objects.h"
#include "shim/libraries/openmp.h"
#include "shim/python/python.h"
#include "shim/reset/ffi_call.h"
#include "shim/reset/threadprivate.h"
#include "shim/threads/resolve.h"

#include <string.h>

/* The runtimes that are reset for the fork under way: their threads count as not lost. */
enum { RESETS_MAX = 16 };
static FP_THREAD uint32_t resets[RESETS_MAX];
static FP_THREAD unsigned reset_count;

/* What came of a call; NULL: it worked. */
struct outcome {
    const char *wrong;
    uint64_t microseconds;
};

static struct outcome call_library(const struct fp_object *object, const struct fp_call *call)
{
    char name[128];
    struct fp_elf library;
    struct fp_text text = FP_TEXT(name);
    fp_text_append(&text, call->name.text, call->name.length);
    void *function =
        text.cut || !fp_object_read(object, &library) ? NULL : fp_elf_function(&library, name);
    if (!function)
        return (struct outcome){.wrong = "is not a function of this library"};
    /* It ends the team of the parent, too. */
    if (fp_slice_is(call->name, "omp_pause_resource_all") && fp_threadprivate_keeper(object))
        return (struct outcome){.wrong = "is not called, the program may keep threadprivate data"};
    uint64_t begun = fp_microseconds();
    int returned = fp_thunk_call(function, call);
    return (struct outcome){.wrong = returned ? "did not return 0" : NULL,
                            .microseconds = fp_microseconds() - begun};
}

/* Once for a library: "FILE:3:13: omp_pause_resource_all is not a function of this library ..." */
static void say_wrong(const struct fp_runtime *runtime, struct fp_slice line,
                      const struct fp_call *call, const char *wrong)
{
    char block[1024];
    struct fp_text text = FP_TEXT(block);
    const struct fp_policy_text *source = runtime->identity.source;
    unsigned row, column;
    if (!fp_once(runtime->facts.dso, wrong))
        return;
    fp_policy_place(source, line, &row, &column);
    fp_text_format(&text, "forkpolicy: %s:%u:%u: ", source->path, row, column);
    fp_text_quote(&text, call->name, 128);
    fp_text_format(&text, " %s, ", wrong);
    fp_text_quote(&text, fp_slice_of(runtime->facts.dso), 300);
    fp_text_format(&text, "; it is not reset and acts as \"fail\"\n");
    fp_emit_text((struct fp_slice){block, text.length});
}

struct recording {
    const struct fp_runtime *runtime;
    struct fp_slice function;
    const struct outcome *outcome;
};

static void write_record(void *context)
{
    const struct recording *recording = context;
    const struct outcome *outcome = recording->outcome;
    char line[FP_EVENT_MAX + 1], host[65];
    struct fp_text text = FP_TEXT(line);
    struct fp_event_header header = fp_emit_header("reset", host, sizeof host);
    fp_event_reset(&text, &header, recording->runtime, recording->function, outcome->microseconds,
                   outcome->wrong ? outcome->wrong : "");
    fp_emit_record(&text);
}

static void record(const struct fp_runtime *runtime, struct fp_slice function,
                   const struct outcome *outcome)
{
    struct recording recording = {runtime, function, outcome};
    if (fp_emit_has_log())
        fp_on_own_stack(write_record, &recording);
}

/* Every prepare line of the runtime, in order, until one does not work. */
static bool prepare_runtime(const struct fp_runtime *runtime, const struct fp_object *object)
{
    for (size_t nth = 0;; nth++) {
        struct fp_slice line = fp_runtime_value(runtime, FP_WORD_PREPARE, nth);
        struct fp_call call;
        size_t offset;
        if (!line.length)
            return nth > 0;
        fp_call_parse(line, &call, &offset); /* it was checked when the file was read */
        struct outcome outcome = call_library(object, &call);
        record(runtime, call.name, &outcome);
        if (outcome.wrong) {
            say_wrong(runtime, line, &call, outcome.wrong);
            return false;
        }
    }
}

/* What this process lost itself must not be touched: libgomp would wait for the workers. */
static bool can_be_reset(struct fp_runtime_entry *entry)
{
    return atomic_load(&entry->live) && !atomic_load(&entry->lost) && entry->dso && !*entry->file;
}

/* It goes by libgomp's name, and needs no reset. */
static bool is_other_openmp(const struct fp_object *object)
{
    struct fp_elf library;
    return fp_object_read(object, &library) && fp_openmp_is_other(&library);
}

void fp_reset_prepare(void)
{
    reset_count = 0;
    for (uint32_t i = 0; i < fp_runtimes_count() && reset_count < RESETS_MAX; i++) {
        struct fp_runtime_entry *entry = fp_runtime_at(i);
        if (!can_be_reset(entry))
            continue;
        struct fp_runtime runtime = fp_resolve_runtime(entry, atomic_load(&entry->live));
        const struct fp_object *object = fp_object_named(entry->dso);
        if (fp_resolve_judgement(&runtime).action == FP_ACTION_RESET && object &&
            !is_other_openmp(object) && prepare_runtime(&runtime, object))
            resets[reset_count++] = i;
    }
}

FP_CHILD bool fp_reset_has(uint32_t entry)
{
    for (unsigned i = 0; i < reset_count; i++)
        if (resets[i] == entry)
            return true;
    return false;
}

static bool is_named(const struct fp_runtime *runtime, const char *name)
{
    return runtime->identity.known && fp_slice_is(fp_runtime_entry_name(runtime), name);
}

/* An event loop that the program runs in a thread of its own: no table has its name. */
static void record_unknown(const char *name, const struct outcome *outcome)
{
    const struct fp_runtime runtime = {
        .facts = {.dso = "", .file = "", .thread = "", .package = "", .version = ""}};
    record(&runtime, fp_slice_of(name), outcome);
}

static void done(const char *name, unsigned long microseconds, const char *error)
{
    const struct outcome outcome = {*error ? error : NULL, microseconds};
    struct fp_work work = fp_work_begin();
    bool found = false;
    for (uint32_t i = 0; i < fp_runtimes_count(); i++) {
        struct fp_runtime_entry *entry = fp_runtime_at(i);
        struct fp_runtime runtime;
        if (!atomic_load(&entry->lost) || !entry->file || !*entry->file)
            continue;
        runtime = fp_resolve_runtime(entry, atomic_load(&entry->lost));
        if (!is_named(&runtime, name))
            continue;
        if (!*error)
            atomic_store(&entry->lost, 0);
        record(&runtime, fp_slice_of(name), &outcome);
        found = true;
    }
    if (!found)
        record_unknown(name, &outcome);
    fp_work_end(work);
}

FP_CHILD void fp_reset_child(void)
{
    for (unsigned i = 0; i < reset_count; i++)
        atomic_store(&fp_runtime_at(resets[i])->lost, 0);
    reset_count = 0;
}

/* "*" stands for those whose threads the program itself starts (event loops, for one): their names
   are in no table. */
static void add_name(struct fp_text *names, struct fp_slice name)
{
    fp_text_format(names, "%s%.*s", names->length ? "," : "", FP_SLICE(name));
}

void fp_reset_prepare_python(void)
{
    char buffer[1024];
    struct fp_text names = FP_TEXT(buffer);
    fp_text_reset(&names);
    for (uint32_t i = 0; i < fp_runtimes_count(); i++) {
        struct fp_runtime_entry *entry = fp_runtime_at(i);
        if (!atomic_load(&entry->live) || !entry->file || !*entry->file)
            continue;
        struct fp_runtime runtime = fp_resolve_runtime(entry, 1);
        struct fp_judgement judgement = fp_resolve_judgement(&runtime);
        /* What has no name in a table: `reset` or `carry`, both bare, asks for it; judged to fail. */
        bool is_unknown = !runtime.identity.known && runtime.identity.asked >= FP_ACTION_RESET;
        if (judgement.action == FP_ACTION_RESET && runtime.identity.known)
            add_name(&names, fp_runtime_entry_name(&runtime));
        else if (is_unknown && !strchr(buffer, '*'))
            add_name(&names, fp_slice_of("*"));
    }
    if (names.length)
        fp_python_prepare_resets(buffer, done);
}
