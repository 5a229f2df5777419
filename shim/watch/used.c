/* See used.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/used.h"

#include "policy/blame.h"
#include "policy/decide.h"
#include "policy/hang_message.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/program.h"
#include "shim/base/report_once.h"
#include "shim/base/self.h"
#include "shim/hang/evidence.h"
#include "shim/libraries/objects.h"
#include "shim/threads/origin.h"
#include "shim/threads/resolve.h"

#include <string.h>
#include <unistd.h>

static atomic_bool any_used;

bool fp_used_any(void)
{
    return atomic_load_explicit(&any_used, memory_order_relaxed);
}

__attribute__((noinline)) static void say(const struct fp_runtime *runtime, const char *call,
                                          const struct fp_fork_origin *fork)
{
    char block[2048], program[FP_PROGRAM_SIZE];
    struct fp_text text = FP_TEXT(block);
    fp_program_read(program);
    fp_message_use(&text, getpid(), program, runtime, call, fork);
    fp_emit_text((struct fp_slice){block, text.length});
}

__attribute__((noinline)) static void record(const struct fp_runtime *runtime,
                                             const struct fp_judgement *judgement, const char *call,
                                             const struct fp_fork_origin *fork)
{
    char line[FP_EVENT_MAX + 1], host[65];
    struct fp_text text = FP_TEXT(line);
    if (!fp_emit_has_log())
        return;
    struct fp_event_header header = fp_emit_header("use", host, sizeof host);
    fp_event_use(&text, &header, runtime, judgement, call, fork);
    fp_emit_record(&text);
}

struct use {
    struct fp_runtime_entry *entry;
    const char *call;
    bool is_task; /* which nobody does in the child */
};

/* A library that starts threads anew may well work (libgomp does, on another thread). */
static bool is_worth_a_line(const struct use *use, enum fp_class class)
{
    if (use->is_task)
        return class != FP_CLASS_LOST && fp_once_shared(use->entry->file, "task");
    return class == FP_CLASS_RESET && strcmp(use->call, "pthread_create") != 0;
}

/* What hangs was told at the fork; of what is not known nothing can be said. On a stack of our own:
   threads that pools start have small ones. */
static void tell(void *argument)
{
    const struct use *use = argument;
    struct fp_runtime runtime = fp_resolve_runtime(use->entry, atomic_load(&use->entry->lost));
    struct fp_judgement judgement = fp_resolve_judgement(&runtime);
    struct fp_fork_origin fork = fp_origin();
    if (judgement.action == FP_ACTION_OFF)
        return;
    if (is_worth_a_line(use, judgement.class))
        say(&runtime, use->call, &fork);
    record(&runtime, &judgement, use->call, &fork);
}

void fp_used_note(const void *caller, const char *call)
{
    const struct fp_object *object = fp_active && !fp_self.inside ? fp_object_of(caller) : NULL;
    /* What the program itself does says nothing of the threads that it had. */
    uint32_t index = object && *object->name ? fp_runtime_find(object->name) : FP_ENTRY_NONE;
    if (index == FP_ENTRY_NONE)
        return;
    struct fp_runtime_entry *entry = fp_runtime_at(index);
    if (!atomic_load(&entry->lost) || atomic_exchange(&entry->used, true))
        return;
    struct fp_work work = fp_work_begin();
    atomic_store(&any_used, true);
    fp_on_own_stack(tell, &(struct use){.entry = entry, .call = call});
    fp_work_end(work);
}

/* That a task is not done keeps nobody waiting: the runtime does not count as used for a wait. */
static void tell_task(struct fp_runtime_entry *entry, const char *call)
{
    if (fp_once(entry->file, "task"))
        fp_on_own_stack(tell, &(struct use){.entry = entry, .call = call, .is_task = true});
}

bool fp_used_wakes(const char *file, const char *call)
{
    for (uint32_t i = 0; i < fp_runtimes_count(); i++) {
        struct fp_runtime_entry *entry = fp_runtime_at(i);
        bool is_it = entry->dso && fp_same_python_package(entry->file, file);
        if (!is_it || !atomic_load(&entry->lost) || fp_evidence_is_anew(entry))
            continue;
        tell_task(entry, call);
        return true;
    }
    return false;
}
