/* The last step of a fork: say it. See at_fork.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "common/files.h"
#include "common/version.h"
#include "policy/event.h"
#include "policy/message.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/report_once.h"
#include "shim/base/self.h"
#include "shim/fork/fork_context.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"

#include <stdlib.h>
#include <string.h>

/* What a fork site is known by. */
static const char *site_key(const struct fp_site *site)
{
    return *site->user        ? site->user
           : *site->library   ? site->library
           : *site->innermost ? site->innermost
                              : site->dso;
}

/* What a runtime is known by: its table entry's name would mix private copies of one library. */
static const char *runtime_key(const struct fp_facts *facts)
{
    return *facts->thread ? facts->thread : *facts->file ? facts->file : facts->dso;
}

/* Three names with their dots and commas fit into FP_NAMES_SIZE. */
enum { NAMES_SHOWN = 3, NAME_SHOWN = 32, NAMES_READ = 32 };

struct naming {
    struct fp_fork_context *at_fork;
    unsigned shown[FP_RUNTIMES_MAX], read[FP_RUNTIMES_MAX];
};

/* Adds a name unless it is there; a long one is cut, and after NAMES_SHOWN there are dots. */
static void add_name(struct naming *naming, size_t runtime, const char *name)
{
    char shown[NAME_SHOWN + 1];
    struct fp_text one = FP_TEXT(shown);
    struct fp_text names = {.data = naming->at_fork->names[runtime], .size = FP_NAMES_SIZE};
    names.length = strlen(names.data);
    fp_text_append(&one, name, strlen(name));
    if (!*name || strstr(names.data, shown) || naming->shown[runtime] > NAMES_SHOWN)
        return;
    if (naming->shown[runtime]++ == NAMES_SHOWN)
        fp_text_format(&names, ", ...");
    else
        fp_text_format(&names, "%s%s%s", names.length ? ", " : "", shown, one.cut ? "..." : "");
}

static bool name_thread(struct fp_thread_slot *slot, fp_life life, void *context)
{
    struct naming *naming = context;
    const struct fp_snapshot *snapshot = &naming->at_fork->snapshot;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (naming->at_fork->entries[i] != slot->runtime || naming->read[i]++ >= NAMES_READ)
            continue;
        if (slot == fp_self.slot)
            continue; /* it forks: the child has it */
        char name[FP_NAMES_SIZE];
        int tid = fp_life_tid(life);
        bool python = *snapshot->runtimes[i].facts.file;
        if (tid && !(python && fp_python_thread_name(tid, name, sizeof name)))
            fp_census_name(tid, name);
        if (tid)
            add_name(naming, i, name);
    }
    return true;
}

static void read_names(struct fp_fork_context *at_fork)
{
    struct fp_snapshot *snapshot = &at_fork->snapshot;
    struct naming naming = {.at_fork = at_fork};
    for (size_t i = 0; i < snapshot->count; i++) {
        at_fork->names[i][0] = '\0';
        snapshot->runtimes[i].names = at_fork->names[i];
        add_name(&naming, i, snapshot->runtimes[i].facts.thread);
    }
    fp_table_each(name_thread, &naming);
}

/* Marks what is to be said now; false when there is nothing. */
static bool mark_told(struct fp_fork_context *at_fork)
{
    const struct fp_snapshot *snapshot = &at_fork->snapshot;
    const char *site = site_key(&snapshot->site);
    bool any = false;
    for (size_t i = 0; i < snapshot->count; i++) {
        at_fork->told[i] = at_fork->verdict.runtimes[i].speech != FP_SPEECH_SILENT &&
                           fp_once(site, runtime_key(&snapshot->runtimes[i].facts));
        any |= at_fork->told[i];
    }
    return any;
}

static void say(void *context)
{
    const struct fp_fork_context *at_fork = context;
    char block[FP_EVENT_MAX];
    struct fp_text text = FP_TEXT(block);
    fp_message_fork(&text, &at_fork->snapshot, &at_fork->verdict, at_fork->told);
    fp_emit_text((struct fp_slice){block, text.length});
}

static void read_program(void *program)
{
    fp_program_read(program);
}

void fp_report_say(struct fp_fork_context *at_fork)
{
    bool any = mark_told(at_fork);
    if (!any && !at_fork->verdict.refuse && !fp_emit_has_log())
        return; /* nobody reads the names */
    fp_on_own_stack(read_program, at_fork->program);
    at_fork->snapshot.program = at_fork->program;
    read_names(at_fork);
    if (any)
        fp_on_own_stack(say, at_fork);
    if (at_fork->verdict.refuse)
        fp_report_record(at_fork, 0);
}

struct recording {
    const struct fp_fork_context *at_fork;
    pid_t child;
};

static void record(void *context)
{
    const struct recording *recording = context;
    const struct fp_fork_context *at_fork = recording->at_fork;
    char line[FP_EVENT_MAX + 1], host[65];
    struct fp_text text = FP_TEXT(line);
    const char *event = at_fork->verdict.refuse ? "refused" : "fork";
    struct fp_event_header header = fp_emit_header(event, host, sizeof host);
    fp_event_fork(&text, &header, &at_fork->snapshot, &at_fork->verdict, recording->child);
    fp_emit_record(&text);
}

void fp_report_record(const struct fp_fork_context *at_fork, pid_t child)
{
    struct recording recording = {at_fork, child};
    struct fp_work work = fp_work_begin();
    if (fp_emit_has_log())
        fp_on_own_stack(record, &recording);
    fp_work_end(work);
}

static void record_start(void *shortfalls)
{
    char line[FP_EVENT_MAX], host[65], program[FP_PROGRAM_SIZE];
    struct fp_text text = FP_TEXT(line);
    struct fp_event_header header = fp_emit_header("start", host, sizeof host);
    fp_program_read(program);
    program[strcspn(program, " ")] = '\0'; /* no arguments in records: they may be secrets */
    const struct fp_policy_text *file = fp_config.policy.file;
    const char *policy = secure_getenv("FORKPOLICY");
    const struct fp_start start = {.program = program,
                                   .shim_version = FP_VERSION,
                                   .policy = policy ? policy : "",
                                   .policy_file = file ? file->path : "",
                                   .shortfalls = *(const unsigned *)shortfalls};
    fp_event_start(&text, &header, &start);
    fp_emit_record(&text);
}

/* The first hook may be called on a small stack. */
void fp_report_start(unsigned shortfalls)
{
    if (fp_emit_has_log())
        fp_on_own_stack(record_start, &shortfalls);
}
