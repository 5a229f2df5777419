/* See evidence.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/evidence.h"

#include "common/files.h"
#include "common/package.h"
#include "policy/decide.h"
#include "policy/site.h"
#include "shim/hang/backtrace.h"
#include "shim/hang/holders.h"
#include "shim/hang/made_here.h"
#include "shim/libraries/objects.h"
#include "shim/python/python.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"
#include "shim/threads/resolve.h"
#include "shim/threads/table.h"

#include <string.h>
#include <unistd.h>

void fp_evidence_read_python(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                             bool has_gil, bool others_sleep)
{
    evidence->lines = (struct fp_python_stack){0};
    evidence->python_count = evidence->joined_count = evidence->own_count = 0;
    evidence->waits_for_old_lock = evidence->joins_old_queue = false;
    evidence->lock_owner = 0;
    if (!has_gil || !fp_python_stack(&evidence->lines))
        return;
    evidence->python_count = fp_python_frames(evidence->python, FP_EVIDENCE_PYTHON);
    size_t depth = fp_python_depth(), inherited = fp_origin_python_depth();
    /* The frame that forked goes on in the child. One that it has returned to is the parent's. */
    evidence->own_count = depth >= inherited ? depth - inherited + (inherited != 0) : 0;
    evidence->waits_for_old_lock = waiting->wait == FP_WAIT_SEMAPHORE &&
                                   !fp_made_here(waiting->object) &&
                                   (fp_stack_is_lock_of_extension() ||
                                    fp_python_has_lock(waiting->object, &evidence->lock_owner));
    const void *mutex = waiting->wait == FP_WAIT_SEMAPHORE ? fp_python_joined_queue() : NULL;
    evidence->joins_old_queue = mutex && !fp_made_here(mutex);
    if (others_sleep)
        evidence->joined_count = fp_python_joined_frames(evidence->joined, FP_EVIDENCE_PYTHON);
}

/* At the interpreter's end threading._shutdown waits, and swallows what is raised. */
bool fp_evidence_has_reader(const struct fp_evidence *evidence)
{
    return *evidence->lines.user || *evidence->lines.library;
}

/* Every runtime that was lost and matters. */
static void read_lost(struct fp_evidence *evidence)
{
    evidence->lost_count = 0;
    for (uint32_t i = 0; i < fp_runtimes_count() && evidence->lost_count < FP_RUNTIMES_MAX; i++) {
        struct fp_runtime_entry *entry = fp_runtime_at(i);
        unsigned threads = atomic_load(&entry->lost);
        if (!threads)
            continue;
        struct fp_lost *lost = &evidence->lost[evidence->lost_count];
        *lost = (struct fp_lost){.runtime = fp_resolve_runtime(entry, threads),
                                 .used = atomic_load(&entry->used)};
        struct fp_judgement judgement = fp_resolve_judgement(&lost->runtime);
        evidence->judgements[evidence->lost_count] = judgement;
        evidence->entries[evidence->lost_count] = i;
        evidence->lost_count += fp_judgement_watches(&judgement);
    }
}

static int index_of_entry(const struct fp_evidence *evidence, uint32_t entry)
{
    for (size_t i = 0; i < evidence->lost_count; i++)
        if (evidence->entries[i] == entry)
            return (int)i;
    return -1;
}

/* Runtimes are known by real paths, loaded libraries by the names that the loader was given. */
static const char *path_of(const struct fp_evidence *evidence, const char *name)
{
    for (size_t i = 0; i < evidence->lost_count; i++) {
        const char *dso = fp_runtime_at(evidence->entries[i])->dso; /* NULL: FP_ENTRY_OTHER */
        if (dso && strcmp(dso, name) == 0)
            return evidence->lost[i].runtime.facts.dso;
    }
    return name;
}

static const char *library_of(const struct fp_evidence *evidence, const void *address)
{
    const struct fp_object *object = fp_object_of(address);
    return object ? path_of(evidence, object->name) : "";
}

/* multiprocessing/pool.py, and its kin's: every worker of a pool runs in it. */
static bool is_worker_loop(const struct fp_python_frame *frame)
{
    return strcmp(fp_basename(frame->file), "pool.py") == 0 &&
           strcmp(frame->function, "worker") == 0;
}

void fp_evidence_weigh(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                       const struct fp_company_look *look, bool owner_lost)
{
    const char *dsos[1 + FP_EVIDENCE_NATIVE + FP_COMPANIONS_MAX], *files[FP_EVIDENCE_PYTHON],
        *joined[FP_EVIDENCE_PYTHON];
    struct fp_traces traces = {.owner = -1, .dsos = dsos, .files = files, .joined = joined};
    read_lost(evidence);
    evidence->native_count = fp_stack_native(evidence->native, FP_EVIDENCE_NATIVE);
    if (owner_lost) {
        const struct fp_lost_thread *thread = fp_lost_find(waiting->owner(waiting));
        traces.owner = thread ? index_of_entry(evidence, thread->runtime) : -1;
    }
    /* A region's entry lies in the copy of libgomp whose workers are missing. */
    bool enters = waiting->wait == FP_WAIT_REGION;
    dsos[traces.dso_count++] = library_of(evidence, enters ? waiting->object : waiting->caller);
    for (size_t i = 0; i < evidence->native_count; i++)
        dsos[traces.dso_count++] = evidence->native[i].dso =
            path_of(evidence, evidence->native[i].dso);
    for (size_t i = 0; i < look->caller_count; i++)
        dsos[traces.dso_count++] = library_of(evidence, look->callers[i]);
    for (size_t i = 0; i < evidence->python_count && i < evidence->own_count; i++)
        if (!is_worker_loop(&evidence->python[i]))
            files[traces.file_count++] = evidence->python[i].file;
    for (size_t i = 0; i < evidence->joined_count; i++)
        joined[traces.joined_count++] = evidence->joined[i].file;
    evidence->found = fp_blame(evidence->lost, evidence->lost_count, &traces, &evidence->cause);
}

static bool is_same(const struct fp_runtime_entry *one, const struct fp_runtime_entry *other)
{
    if (!*one->file || !*other->file)
        return !*one->file && !*other->file && strcmp(one->dso, other->dso) == 0;
    return strcmp(one->file, other->file) == 0 || fp_same_python_package(one->file, other->file);
}

bool fp_evidence_is_anew(const struct fp_runtime_entry *lost)
{
    const struct fp_thread_slot *forking = fp_table_find(getpid()); /* it came out of the fork */
    for (uint32_t i = 0; lost->dso && i < fp_runtimes_count(); i++) {
        const struct fp_runtime_entry *entry = fp_runtime_at(i);
        unsigned own = forking && forking->runtime == i;
        if (i != FP_ENTRY_OTHER && atomic_load(&entry->live) > own && is_same(lost, entry))
            return true;
    }
    return false;
}

static bool is_found_anew(const struct fp_evidence *evidence)
{
    return fp_evidence_is_anew(fp_runtime_at(evidence->entries[evidence->found]));
}

bool fp_evidence_is_tied(const struct fp_evidence *evidence)
{
    if (evidence->waits_for_old_lock || evidence->joins_old_queue ||
        evidence->cause == FP_CAUSE_OWNER)
        return true;
    if (evidence->found < 0)
        return false;
    const struct fp_runtime *lost = &evidence->lost[evidence->found].runtime;
    return fp_cause_is_firm(evidence->cause, lost) && !is_found_anew(evidence);
}

/* One that waits again and again may wait for threads of the child's own in that library: a
   consumer that polls. */
bool fp_evidence_points_to_lost(const struct fp_evidence *evidence,
                                const struct fp_waiting *waiting)
{
    if (waiting->wait == FP_WAIT_EPOLL)
        return evidence->cause == FP_CAUSE_USED;
    return fp_cause_is_evidence(evidence->cause) &&
           (!waiting->timed || evidence->cause == FP_CAUSE_OWNER || !is_found_anew(evidence));
}

bool fp_evidence_is_parked(const struct fp_evidence *evidence, const struct fp_waiting *waiting,
                           const struct fp_company_look *look)
{
    return (look->main_waits_in_python || fp_python_owns(fp_owner_of(waiting->caller))) &&
           !fp_evidence_is_tied(evidence);
}

/* The parent still has them, as long as it lives. */
static void read_names(struct fp_evidence *evidence, uint32_t entry, pid_t parent)
{
    struct fp_text names = FP_TEXT(evidence->names);
    fp_text_reset(&names);
    for (size_t i = 0; i < fp_lost_count() && names.length < FP_EVIDENCE_NAMES / 2; i++) {
        char path[48], name[18];
        struct fp_text text = FP_TEXT(path);
        if (fp_lost_thread(i)->runtime != entry)
            continue;
        fp_text_format(&text, "/proc/%d/task/%d/comm", (int)parent, (int)fp_lost_thread(i)->tid);
        if (fp_file_read(path, name, sizeof name) <= 0)
            continue;
        name[strcspn(name, "\n")] = '\0';
        if (*name && !strstr(evidence->names, name))
            fp_text_format(&names, "%s%s", names.length ? ", " : "", name);
    }
}

/* They wait for whoever called them. */
static bool is_go_between(const char *path)
{
    const char *name = fp_basename(path);
    return strncmp(name, "libstdc++.", 10) == 0 || strncmp(name, "libc++.", 7) == 0 ||
           strncmp(name, "libc.so.", 8) == 0;
}

static struct fp_facts find_waiting_code(struct fp_evidence *evidence, const void *caller)
{
    size_t i = 0;
    while (i + 1 < evidence->native_count && is_go_between(evidence->native[i].dso))
        i++;
    const char *dso = evidence->native_count ? evidence->native[i].dso : "";
    bool in_python = fp_python_owns(fp_owner_of(caller));
    struct fp_text name = FP_TEXT(evidence->package.name);
    struct fp_text version = FP_TEXT(evidence->package.version);
    fp_text_reset(&name);
    fp_text_reset(&version);
    if (in_python) {
        fp_text_format(&name, "python");
        fp_text_format(&version, "%s", fp_python_version());
    } else if (!fp_package_find(dso, &evidence->package)) {
        evidence->package.name[0] = evidence->package.version[0] = '\0';
    }
    return (struct fp_facts){.dso = dso,
                             .file = "",
                             .thread = "",
                             .package = evidence->package.name,
                             .version = evidence->package.version};
}

void fp_evidence_fill(struct fp_evidence *evidence, struct fp_hang *hang,
                      const struct fp_waiting *waiting)
{
    const struct fp_python_stack *lines = &evidence->lines;
    hang->fork = fp_origin();
    hang->waiting = find_waiting_code(evidence, waiting->caller);
    hang->at = (struct fp_site){.user = lines->user,
                                .library = lines->library,
                                .called = lines->called,
                                .innermost = lines->innermost,
                                .function = lines->function,
                                .dso = hang->waiting.dso};
    hang->native = evidence->native;
    hang->native_count = evidence->native_count;
    hang->python = evidence->python;
    hang->python_count = evidence->python_count;
    hang->cause = evidence->cause;
    if (evidence->cause == FP_CAUSE_OWNER || evidence->waits_for_old_lock)
        fp_find_holders(&hang->holders, fp_site_line(&hang->at), evidence->lock_owner,
                        evidence->cause == FP_CAUSE_OWNER ? waiting->owner(waiting) : 0);
    hang->judgement.action = fp_evidence_action(evidence);
    hang->lost = NULL;
    if (evidence->found < 0)
        return;
    struct fp_runtime *lost = &evidence->lost[evidence->found].runtime;
    read_names(evidence, evidence->entries[evidence->found], hang->fork.parent);
    lost->names = evidence->names;
    hang->lost = lost;
    hang->judgement = evidence->judgements[evidence->found];
}

enum fp_action fp_evidence_action(const struct fp_evidence *evidence)
{
    enum fp_action most = FP_ACTION_OFF;
    if (evidence->found >= 0)
        return evidence->judgements[evidence->found].action;
    for (size_t i = 0; i < evidence->lost_count; i++)
        if (evidence->judgements[i].action > most)
            most = evidence->judgements[i].action;
    return most;
}
