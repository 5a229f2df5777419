/* The first step of a fork: what is alive. See passage.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/config.h"
#include "shim/emit.h"
#include "shim/passage.h"
#include "shim/resolve.h"
#include "shim/self.h"
#include "shim/table.h"
#include "shim/watch.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

/* Python calls fork itself, or through the extension that subprocess is built on. */
static bool is_python_fork(struct fp_owner caller)
{
    return fp_python_owns(caller) ||
           (fp_python_runs() && strstr(fp_basename(caller.path), "_posixsubprocess"));
}

void fp_look_at_place(struct fp_place *place, const void *caller)
{
    struct fp_owner owner = fp_owner_of(caller);
    struct fp_python_stack *python = &place->python;
    place->origin = is_python_fork(owner) ? FP_ORIGIN_PYTHON
                    : fp_python_runs()    ? FP_ORIGIN_NATIVE_IN_PYTHON
                                          : FP_ORIGIN_NATIVE;
    *python = (struct fp_python_stack){0};
    if (place->origin == FP_ORIGIN_PYTHON)
        fp_python_stack(python);
    /* A copy, because libraries can be closed. */
    const char *path = *owner.path ? owner.path : fp_program_path();
    struct fp_text dso = FP_TEXT(place->dso);
    fp_text_reset(&dso);
    fp_text_append(&dso, path, strlen(path));
    place->site = (struct fp_site){.user = python->user,
                                   .library = python->library,
                                   .called = python->called,
                                   .innermost = python->innermost,
                                   .function = python->function,
                                   .dso = place->dso};
}

static void add_runtime(struct fp_passage *passage, uint32_t entry,
                        const struct fp_runtime *runtime)
{
    struct fp_snapshot *snapshot = &passage->snapshot;
    if (snapshot->count == FP_RUNTIMES_MAX) {
        snapshot->omitted++;
        return;
    }
    passage->entries[snapshot->count] = entry;
    snapshot->runtimes[snapshot->count++] = *runtime;
}

/* What the child would lose of one registry entry; false when that is nothing. */
static bool read_entry(uint32_t index, struct fp_runtime *runtime)
{
    struct fp_runtime_entry *entry = fp_runtime_at(index);
    unsigned threads = atomic_load(&entry->live);
    if (threads && fp_self.slot && fp_self.slot->runtime == index)
        threads--; /* the forking thread goes on in the child */
    if (!threads)
        return false;
    *runtime = fp_resolve_runtime(entry, threads);
    return true;
}

static void look_at_table(struct fp_passage *passage)
{
    uint32_t count = fp_runtimes_count();
    struct fp_runtime runtime;
    for (uint32_t i = 0; i < count; i++)
        if (read_entry(i, &runtime))
            add_runtime(passage, i, &runtime);
}

/* Threads that no hook saw count by their names: one runtime for each name. */
static void look_at_strangers(struct fp_passage *passage)
{
    for (size_t i = 0; i < passage->census.count; i++) {
        const struct fp_strangers *strangers = &passage->census.strangers[i];
        struct fp_runtime runtime = {.facts = {.dso = "",
                                               .file = "",
                                               .thread = strangers->name,
                                               .package = "",
                                               .version = ""},
                                     .threads = strangers->threads,
                                     .started = "",
                                     .names = ""};
        runtime.identity = fp_identify(&fp_config.policy, &runtime.facts);
        add_runtime(passage, FP_ENTRY_NONE, &runtime);
    }
}

struct fp_outlook fp_look_ahead(void)
{
    struct fp_outlook outlook = {.tells = fp_emit_has_log() || fp_config.tells_strangers};
    uint32_t count = fp_runtimes_count();
    struct fp_runtime runtime;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_entry(i, &runtime))
            continue;
        struct fp_judgement judgement = fp_resolve_judgement(&runtime);
        outlook.tells |= judgement.speech != FP_SPEECH_SILENT;
        /* Under `reset` the child's surroundings are put in order also for what survives: lancedb
           starts anew, but still points into the stacks of its lost threads. */
        outlook.watches |=
            fp_judgement_watches(&judgement) || runtime.identity.asked >= FP_ACTION_RESET;
    }
    outlook.watches &= fp_watch_is_possible();
    return outlook;
}

bool fp_look(struct fp_passage *passage, const char *call, const void *caller)
{
    struct fp_snapshot *snapshot = &passage->snapshot;
    unsigned counted = fp_census_count();
    if (counted == 1)
        return false;
    fp_look_at_place(&passage->place, caller);
    if (passage->place.python.execs)
        return false;
    snapshot->origin = passage->place.origin;
    snapshot->site = passage->place.site;
    passage->census.unattributed = 0;
    passage->census.count = 0;
    unsigned tabled = fp_table_threads();
    if (counted && counted != tabled)
        fp_census_take(&passage->census);
    snapshot->call = call;
    snapshot->pid = getpid();
    snapshot->program = "";
    snapshot->threads = counted ? counted : tabled;
    snapshot->unattributed = passage->census.unattributed;
    snapshot->main_lost = syscall(SYS_gettid) != snapshot->pid;
    snapshot->count = snapshot->omitted = 0;
    snapshot->environment = (const char *const *)environ;
    look_at_table(passage);
    look_at_strangers(passage);
    return snapshot->count > 0;
}
