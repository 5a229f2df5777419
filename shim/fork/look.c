/* The first step of a fork: what is alive. See passage.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/notice.h"
#include "shim/base/self.h"
#include "shim/fork/fork_context.h"
#include "shim/threads/here.h"
#include "shim/threads/resolve.h"
#include "shim/threads/table.h"
#include "shim/threads/tasks.h"
#include "shim/watch/watch.h"

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
    if (place->origin == FP_ORIGIN_PYTHON) {
        fp_python_stack(python);
        fp_python_hear(); /* all its threads passed no hook: the next fork is asked about */
    }
    /* A copy, because libraries can be closed. */
    const char *path = *owner.path ? owner.path : fp_program_path();
    struct fp_text dso = FP_TEXT(place->dso);
    fp_text_reset(&dso);
    fp_text_append(&dso, path, strlen(path));
    struct fp_text allowed = FP_TEXT(place->allowed);
    fp_text_reset(&allowed);
    fp_allowed_write(&allowed);
    place->site = (struct fp_site){.user = python->user,
                                   .library = python->library,
                                   .called = python->called,
                                   .innermost = python->innermost,
                                   .function = python->function,
                                   .dso = place->dso,
                                   .allowed = place->allowed};
}

static void add_runtime(struct fp_fork_context *at_fork, uint32_t entry,
                        const struct fp_runtime *runtime)
{
    struct fp_snapshot *snapshot = &at_fork->snapshot;
    if (snapshot->count == FP_RUNTIMES_MAX) {
        snapshot->omitted++;
        return;
    }
    at_fork->entries[snapshot->count] = entry;
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

static void look_at_table(struct fp_fork_context *at_fork)
{
    uint32_t count = fp_runtimes_count();
    struct fp_runtime runtime;
    for (uint32_t i = 0; i < count; i++)
        if (read_entry(i, &runtime))
            add_runtime(at_fork, i, &runtime);
}

/* Threads that no hook saw count by their names: one runtime for each name. */
static void look_at_strangers(struct fp_fork_context *at_fork)
{
    for (size_t i = 0; i < at_fork->census.count; i++) {
        const struct fp_strangers *strangers = &at_fork->census.strangers[i];
        struct fp_runtime runtime = {.facts = {.dso = "",
                                               .file = "",
                                               .thread = strangers->name,
                                               .package = "",
                                               .version = ""},
                                     .threads = strangers->threads,
                                     .started = "",
                                     .names = ""};
        runtime.identity = fp_identify(&fp_config.policy, &runtime.facts);
        if (fp_here())
            fp_identify_at(&runtime.identity, &fp_config.policy, &runtime.facts, fp_here());
        add_runtime(at_fork, FP_ENTRY_NONE, &runtime);
    }
}

/* Without a look at threads: what the registry of runtimes says. */
static struct fp_outlook look_at_registry(void)
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

/*
 * Most forks have one thread, or others of which there is nothing to say. Nothing is written on
 * this way, not even errno: each page written between two forks is copied once more.
 */
struct fp_outlook fp_look_ahead(void)
{
    const struct fp_outlook nothing = {false, false};
    if (!fp_active || fp_self.inside)
        return nothing;
    fp_notice_say();
    return fp_table_ever_threaded() ? look_at_registry() : nothing;
}

static bool look(struct fp_fork_context *at_fork, const char *call, const void *caller)
{
    struct fp_snapshot *snapshot = &at_fork->snapshot;
    unsigned counted = fp_tasks_count();
    if (counted == 1)
        return false;
    fp_look_at_place(&at_fork->place, caller);
    if (at_fork->place.python.execs)
        return false;
    snapshot->origin = at_fork->place.origin;
    snapshot->site = at_fork->place.site;
    at_fork->census.unattributed = 0;
    at_fork->census.count = 0;
    unsigned tabled = fp_table_threads();
    if (counted && counted != tabled)
        fp_census_take(&at_fork->census);
    snapshot->call = call;
    snapshot->pid = getpid();
    snapshot->program = "";
    snapshot->threads = counted ? counted : tabled;
    snapshot->unattributed = at_fork->census.unattributed;
    snapshot->main_lost = syscall(SYS_gettid) != snapshot->pid;
    snapshot->count = snapshot->omitted = 0;
    snapshot->environment = (const char *const *)environ;
    look_at_table(at_fork);
    fp_spare_mark(at_fork);
    look_at_strangers(at_fork);
    return snapshot->count > 0;
}

bool fp_look_and_decide(struct fp_fork_context *at_fork, const char *call, const void *caller)
{
    if (!look(at_fork, call, caller))
        return false;
    fp_decide(&at_fork->snapshot, &at_fork->verdict);
    return true;
}
