/* The last step of a fork: say it. See passage.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/files.h"
#include "common/version.h"
#include "policy/event.h"
#include "policy/message.h"
#include "shim/config.h"
#include "shim/emit.h"
#include "shim/once.h"
#include "shim/passage.h"
#include "shim/runtimes.h"
#include "shim/self.h"
#include "shim/table.h"

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

void fp_report_program(char program[FP_PROGRAM_SIZE])
{
    char line[1024];
    struct fp_text text = {.data = program, .size = FP_PROGRAM_SIZE};
    ssize_t length = fp_file_read("/proc/self/cmdline", line, sizeof line);
    fp_text_reset(&text);
    if (length <= 0)
        return;
    fp_text_format(&text, "%s", fp_basename(line));
    const char *at = line + strlen(line) + 1, *end = line + length;
    if (at < end && *at)
        fp_text_format(&text, " %s", at);
    if (at < end && strcmp(at, "-m") == 0 && at + 3 < end)
        fp_text_format(&text, " %s", at + 3);
}

/* Three names with their dots and commas fit into FP_NAMES_SIZE. */
enum { NAMES_SHOWN = 3, NAME_SHOWN = 32, NAMES_READ = 32 };

struct naming {
    struct fp_passage *passage;
    unsigned shown[FP_RUNTIMES_MAX], read[FP_RUNTIMES_MAX];
};

/* Adds a name unless it is there; a long one is cut, and after NAMES_SHOWN there are dots. */
static void add_name(struct naming *naming, size_t runtime, const char *name)
{
    char shown[NAME_SHOWN + 1];
    struct fp_text one = FP_TEXT(shown);
    struct fp_text names = {.data = naming->passage->names[runtime], .size = FP_NAMES_SIZE};
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
    const struct fp_snapshot *snapshot = &naming->passage->snapshot;
    for (size_t i = 0; i < snapshot->count; i++) {
        if (naming->passage->entries[i] != slot->runtime || naming->read[i]++ >= NAMES_READ)
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

static void read_names(struct fp_passage *passage)
{
    struct fp_snapshot *snapshot = &passage->snapshot;
    struct naming naming = {.passage = passage};
    for (size_t i = 0; i < snapshot->count; i++) {
        passage->names[i][0] = '\0';
        snapshot->runtimes[i].names = passage->names[i];
        add_name(&naming, i, snapshot->runtimes[i].facts.thread);
    }
    fp_table_each(name_thread, &naming);
}

/* Marks what is to be said now; false when there is nothing. */
static bool mark_told(struct fp_passage *passage)
{
    const struct fp_snapshot *snapshot = &passage->snapshot;
    const char *site = site_key(&snapshot->site);
    bool any = false;
    for (size_t i = 0; i < snapshot->count; i++) {
        passage->told[i] = passage->verdict.runtimes[i].speech != FP_SPEECH_SILENT &&
                           fp_once(site, runtime_key(&snapshot->runtimes[i].facts));
        any |= passage->told[i];
    }
    return any;
}

static void say(const struct fp_passage *passage)
{
    char block[FP_EVENT_MAX];
    struct fp_text text = FP_TEXT(block);
    fp_message_fork(&text, &passage->snapshot, &passage->verdict, passage->told);
    fp_emit_text((struct fp_slice){block, text.length});
}

void fp_report_say(struct fp_passage *passage)
{
    bool any = mark_told(passage);
    if (!any && !passage->verdict.refuse && !fp_emit_has_log())
        return; /* nobody reads the names */
    fp_report_program(passage->program);
    passage->snapshot.program = passage->program;
    read_names(passage);
    if (any)
        say(passage);
}

void fp_report_record(const struct fp_passage *passage, pid_t child)
{
    char line[FP_EVENT_MAX + 1], host[65];
    struct fp_text text = FP_TEXT(line);
    if (!fp_emit_has_log())
        return;
    const char *event = passage->verdict.refuse ? "refused" : "fork";
    struct fp_event_header header = fp_emit_header(event, host, sizeof host);
    fp_event_fork(&text, &header, &passage->snapshot, &passage->verdict, child);
    fp_emit_record(&text);
}

void fp_report_start(void)
{
    char line[1024], host[65], program[FP_PROGRAM_SIZE];
    struct fp_text text = FP_TEXT(line);
    if (!fp_emit_has_log())
        return;
    struct fp_event_header header = fp_emit_header("start", host, sizeof host);
    fp_report_program(program);
    program[strcspn(program, " ")] = '\0'; /* no arguments in records: they may be secrets */
    fp_event_start(&text, &header, program, FP_VERSION);
    fp_emit_record(&text);
}
