/*
 * Tests of shim/hang/evidence.c: which lost runtime a wait is tied to, and by what. The weighing
 * itself (policy/blame.c) is the real one; these are the rooms below.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_EVIDENCE_FAKES_H
#define FP_TESTS_EVIDENCE_FAKES_H

#include "shim/hang/evidence.h"

#include "common/files.h"
#include "shim/hang/backtrace.h"
#include "shim/hang/holders.h"
#include "shim/hang/made_here.h"
#include "shim/libraries/objects.h"
#include "shim/threads/lost.h"
#include "shim/threads/origin.h"
#include "shim/threads/resolve.h"
#include "shim/threads/table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXECUTOR "/usr/lib/python3.11/concurrent/futures/thread.py"
#define POLARS "/site-packages/polars/polars.so"

/* Addresses of code, each in a library of its own. */
static char in_polars, in_python, in_program;
static struct fp_object objects[] = {
    {.name = "polars.so"}, {.name = "libpython.so"}, {.name = "", .base = 1}};

/* What the rooms below say. */
static struct fp_runtime_entry entries[4];
static struct fp_thread_slot *forking;
static uint32_t entry_count;
static enum fp_action actions[4];
static struct fp_python_frame frames[8], joined[8];
static size_t frame_count, joined_count, depth, inherited;
static struct fp_native_frame natives[4];
static size_t native_count;
static bool has_stack = true, is_made_here, has_lock, is_of_extension, joins_queue;
static struct fp_lost_thread lost_threads[4];
static size_t lost_count;

uint32_t fp_runtimes_count(void)
{
    return entry_count;
}

struct fp_thread_slot *fp_table_find(int tid)
{
    cr_assert_eq(tid, getpid());
    return forking;
}

struct fp_runtime_entry *fp_runtime_at(uint32_t index)
{
    cr_assert_lt(index, entry_count);
    return &entries[index];
}

struct fp_runtime fp_resolve_runtime(struct fp_runtime_entry *entry, unsigned threads)
{
    struct fp_runtime runtime = {
        .facts = {.dso = strcmp(entry->dso, "polars.so") == 0 ? POLARS : entry->dso,
                  .file = entry->file,
                  .thread = "",
                  .package = "",
                  .version = ""},
        .threads = threads,
        .started = "",
        .names = ""};
    return runtime;
}

struct fp_judgement fp_resolve_judgement(const struct fp_runtime *runtime)
{
    return (struct fp_judgement){.class = FP_CLASS_LOST, .action = actions[runtime->threads]};
}

size_t fp_lost_count(void)
{
    return lost_count;
}

const struct fp_lost_thread *fp_lost_thread(size_t nth)
{
    return &lost_threads[nth];
}

const struct fp_lost_thread *fp_lost_find(pid_t tid)
{
    for (size_t i = 0; i < lost_count; i++)
        if (lost_threads[i].tid == tid)
            return &lost_threads[i];
    return NULL;
}

bool fp_made_here(const void *semaphore)
{
    (void)semaphore;
    return is_made_here;
}

bool fp_python_has_lock(const void *semaphore, unsigned long *owner)
{
    (void)semaphore;
    *owner = 77;
    return has_lock;
}

void fp_find_holders(struct fp_holders *holders, const char *line, unsigned long ident, int tid)
{
    (void)line;
    cr_assert(ident == 77 || tid);
    holders->count = 1;
}

static int mutex_of_queue;

const void *fp_python_joined_queue(void)
{
    return joins_queue ? &mutex_of_queue : NULL;
}

bool fp_stack_is_lock_of_extension(void)
{
    return is_of_extension;
}

const struct fp_object *fp_object_of(const void *address)
{
    return address == &in_polars    ? &objects[0]
           : address == &in_python  ? &objects[1]
           : address == &in_program ? &objects[2]
                                    : NULL;
}

struct fp_owner fp_owner_of(const void *address)
{
    return (struct fp_owner){.base = address, .path = ""};
}

bool fp_python_owns(struct fp_owner owner)
{
    return owner.base == &in_python;
}

const char *fp_python_version(void)
{
    return "3.11.7";
}

bool fp_python_stack(struct fp_python_stack *stack)
{
    if (has_stack)
        strcpy(stack->user, "app.py:7");
    return has_stack;
}

size_t fp_python_depth(void)
{
    return depth;
}

size_t fp_origin_python_depth(void)
{
    return inherited;
}

size_t fp_python_frames(struct fp_python_frame *found, size_t most)
{
    (void)most;
    memcpy(found, frames, sizeof frames);
    return frame_count;
}

size_t fp_python_joined_frames(struct fp_python_frame *found, size_t most)
{
    (void)most;
    memcpy(found, joined, sizeof joined);
    return joined_count;
}

size_t fp_stack_native(struct fp_native_frame *found, size_t most)
{
    (void)most;
    memcpy(found, natives, sizeof natives);
    return native_count;
}

struct fp_fork_origin fp_origin(void)
{
    return (struct fp_fork_origin){.call = "fork", .parent = 1};
}

/* It has lost as many threads as its number says. */
static inline uint32_t add(const char *dso, const char *file)
{
    entries[entry_count] = (struct fp_runtime_entry){.dso = dso, .file = file, .lost = entry_count};
    actions[entry_count] = FP_ACTION_FAIL;
    return entry_count++;
}

static inline void call(const char *file, const char *function)
{
    struct fp_python_frame *frame = &frames[frame_count++];
    snprintf(frame->file, sizeof frame->file, "%s", file);
    snprintf(frame->function, sizeof frame->function, "%s", function);
    depth++;
}

static struct fp_evidence evidence;
static struct fp_company_look seen;
static pid_t owner;

static inline pid_t owner_of(const struct fp_waiting *waiting)
{
    (void)waiting;
    return owner;
}

static struct fp_waiting waiting = {
    .wait = FP_WAIT_SEMAPHORE, .caller = &in_python, .owner = owner_of};

static inline void gather(bool owner_lost)
{
    fp_evidence_read_python(&evidence, &waiting, true, true);
    fp_evidence_weigh(&evidence, &waiting, &seen, owner_lost);
}

#define FOUND(entry, by)                                                              \
    do {                                                                              \
        gather(false);                                                                \
        cr_assert_eq(evidence.cause, by, "%s", fp_cause_name(evidence.cause));        \
        cr_assert_eq(evidence.found < 0 ? -1 : (int)evidence.entries[evidence.found], \
                     (int)(entry));                                                   \
    } while (0)

static inline bool is_parked(void)
{
    gather(false);
    return fp_evidence_is_parked(&evidence, &waiting, &seen);
}

/* The first entry is the program's, of which nothing is lost here. */
static inline void begin(void)
{
    add("", "");
}

#endif
