/*
 * Tests of shim/hang/evidence.c: which lost runtime a wait is tied to, and by what. The weighing
 * itself (policy/blame.c) is the real one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
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
static uint32_t add(const char *dso, const char *file)
{
    entries[entry_count] = (struct fp_runtime_entry){.dso = dso, .file = file, .lost = entry_count};
    actions[entry_count] = FP_ACTION_FAIL;
    return entry_count++;
}

static void call(const char *file, const char *function)
{
    struct fp_python_frame *frame = &frames[frame_count++];
    snprintf(frame->file, sizeof frame->file, "%s", file);
    snprintf(frame->function, sizeof frame->function, "%s", function);
    depth++;
}

static struct fp_evidence evidence;
static struct fp_company_look seen;
static pid_t owner;

static pid_t owner_of(const struct fp_waiting *waiting)
{
    (void)waiting;
    return owner;
}

static struct fp_waiting waiting = {
    .wait = FP_WAIT_SEMAPHORE, .caller = &in_python, .owner = owner_of};

static void gather(bool owner_lost)
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

static bool is_parked(void)
{
    gather(false);
    return fp_evidence_is_parked(&evidence, &waiting, &seen);
}

/* The first entry is the program's, of which nothing is lost here. */
static void begin(void)
{
    add("", "");
}

TestSuite(evidence, .init = begin);

Test(evidence, owner)
{
    add("polars.so", "");
    uint32_t other = add("libother.so", "other");
    lost_threads[lost_count++] = (struct fp_lost_thread){.tid = 5, .runtime = other};
    owner = 5;
    gather(true);
    cr_assert_eq(evidence.cause, FP_CAUSE_OWNER);
    cr_assert_eq(evidence.entries[evidence.found], other);
    cr_assert_not(fp_evidence_is_parked(&evidence, &waiting, &seen));
    lost_threads[0].runtime = FP_ENTRY_NONE; /* the main thread's */
    gather(true);
    cr_assert_eq(evidence.found, -1);
}

Test(evidence, native_frames)
{
    uint32_t polars = add("polars.so", "");
    add("libother.so", "other");
    natives[native_count++] = (struct fp_native_frame){.dso = "libpython.so", .symbol = ""};
    natives[native_count++] = (struct fp_native_frame){.dso = "polars.so", .symbol = ""};
    FOUND(polars, FP_CAUSE_LIBRARY);
    cr_assert_str_eq(evidence.native[1].dso, POLARS, "its real path");
    cr_assert_not(is_parked());
    native_count = 1;
    waiting.caller = &in_polars;
    FOUND(polars, FP_CAUSE_LIBRARY);
}

Test(evidence, code_that_another_thread_waits_in)
{
    uint32_t polars = add("polars.so", "");
    add("libother.so", "other");
    seen.callers[seen.caller_count++] = &in_polars;
    FOUND(polars, FP_CAUSE_LIBRARY);
}

Test(evidence, region)
{
    uint32_t polars = add("polars.so", "");
    add("libother.so", "other");
    waiting.wait = FP_WAIT_REGION;
    waiting.object = &in_polars;
    waiting.caller = &in_program;
    FOUND(polars, FP_CAUSE_LIBRARY);
    waiting.wait = FP_WAIT_SEMAPHORE;
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
}

Test(evidence, python_lines)
{
    uint32_t executor = add("libpython.so", EXECUTOR);
    add("libother.so", "other");
    call("/usr/lib/python3.11/threading.py", "wait");
    call("/usr/lib/python3.11/concurrent/futures/_base.py", "result");
    call("/home/app.py", "main");
    FOUND(executor, FP_CAUSE_LINE);
    cr_assert_not(is_parked());
}

/* What the parent had called is on the child's stack as well: it says nothing of this wait. */
Test(evidence, frames_of_the_parent)
{
    add("libpython.so", EXECUTOR);
    add("libother.so", "other");
    call("/home/app.py", "work");
    call("/home/fork.py", "run");
    call("/usr/lib/python3.11/concurrent/futures/_base.py", "result");
    inherited = 2; /* fork.py was on top of _base.py */
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    cr_assert(is_parked());
    cr_assert_eq(evidence.own_count, 2, "the frame that forked goes on");
    inherited = 4; /* the child has returned to a frame of the parent's */
    gather(false);
    cr_assert_eq(evidence.own_count, 0);
    inherited = 3;
    gather(false);
    cr_assert_eq(evidence.own_count, 1);
    inherited = 0; /* a thread of the child's */
    FOUND(1, FP_CAUSE_LINE);
    cr_assert_eq(evidence.own_count, 3);
}

Test(evidence, worker_loops)
{
    add("libpython.so", "/usr/lib/python3.11/multiprocessing/pool.py");
    add("libother.so", "other");
    call("/usr/lib/python3.11/multiprocessing/pool.py", "worker");
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    frame_count = depth = 0;
    call("/usr/lib/python3.11/multiprocessing/pool.py", "map");
    FOUND(1, FP_CAUSE_LINE);
}

Test(evidence, joined_thread)
{
    add("libpython.so", EXECUTOR);
    add("libother.so", "other");
    snprintf(joined[joined_count++].file, sizeof joined->file, EXECUTOR);
    FOUND(1, FP_CAUSE_JOINED);
    fp_evidence_read_python(&evidence, &waiting, true, false);
    fp_evidence_weigh(&evidence, &waiting, &seen, false);
    cr_assert_eq(evidence.found, -1, "threads that run may change their stacks");
}

/* It has threads of the child's own: they rest in its code, and its code may wait for them. */
Test(evidence, begun_anew)
{
    uint32_t executor = add("libpython.so", EXECUTOR);
    uint32_t other = add("libpython.so", "/usr/lib/python3.11/concurrent/futures/process.py");
    uint32_t polars = add("polars.so", "");
    struct fp_thread_slot slot = {.runtime = executor};
    call("/usr/lib/python3.11/concurrent/futures/_base.py", "result");
    cr_assert_not(is_parked());
    entries[other].live = 1;
    FOUND(executor, FP_CAUSE_LINE);
    cr_assert(is_parked(), "of the same package");
    entries[other].live = 0;
    entries[executor].live = 1;
    cr_assert(is_parked());
    forking = &slot;
    cr_assert_not(is_parked(), "the thread that came out of the fork");
    frame_count = depth = 0;
    waiting.caller = &in_polars;
    seen.main_waits_in_python = true;
    FOUND(polars, FP_CAUSE_LIBRARY);
    cr_assert_not(is_parked());
    entries[polars].live = 1;
    cr_assert(is_parked(), "a thread of a pool, at rest beside a main thread that is");
    seen.main_waits_in_python = false;
    cr_assert_not(is_parked(), "code of C does not park in Python");
}

Test(evidence, old_locks)
{
    add("libpython.so", "/home/app.py");
    call("/home/app.py", "main");
    cr_assert(is_parked(), "the program's own code runs in idle workers, too");
    joins_queue = true;
    cr_assert_not(is_parked());
    is_made_here = true;
    cr_assert(is_parked(), "a queue of which no lost thread knew");
    is_made_here = joins_queue = false;
    has_lock = true;
    cr_assert_not(is_parked());
    is_made_here = true;
    cr_assert(is_parked());
    is_made_here = has_lock = false;
    is_of_extension = true;
    cr_assert_not(is_parked());
    waiting.wait = FP_WAIT_CONDITION;
    cr_assert(is_parked());
    waiting.wait = FP_WAIT_SEMAPHORE;
    has_stack = false;
    cr_assert(is_parked(), "without Python's lock nothing is known");
    waiting.caller = &in_program;
    cr_assert_not(is_parked(), "code of C does not park in Python");
}

Test(evidence, only_one_and_used)
{
    uint32_t polars = add("polars.so", "");
    FOUND(polars, FP_CAUSE_ONLY);
    cr_assert_not(fp_evidence_points_to_lost(&evidence, FP_WAIT_SEMAPHORE));
    uint32_t other = add("libother.so", "other");
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    entries[other].used = true;
    FOUND(other, FP_CAUSE_USED);
    cr_assert(fp_evidence_points_to_lost(&evidence, FP_WAIT_SEMAPHORE));
    cr_assert(fp_evidence_points_to_lost(&evidence, FP_WAIT_EPOLL));
    waiting.caller = &in_polars;
    gather(false);
    cr_assert_not(fp_evidence_points_to_lost(&evidence, FP_WAIT_EPOLL),
                  "a program waits for sockets all day");
}

Test(evidence, what_is_off_does_not_count)
{
    add("polars.so", "");
    actions[1] = FP_ACTION_OFF;
    waiting.caller = &in_polars;
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
    cr_assert_eq(fp_evidence_action(&evidence), FP_ACTION_OFF);
    entries[1].lost = 0;
    actions[1] = FP_ACTION_FAIL;
    FOUND(FP_ENTRY_NONE, FP_CAUSE_UNKNOWN);
}

Test(evidence, action)
{
    uint32_t polars = add("polars.so", "");
    uint32_t other = add("libother.so", "other");
    actions[polars] = FP_ACTION_WARN;
    gather(false);
    cr_assert_eq(fp_evidence_action(&evidence), FP_ACTION_FAIL, "the most that is asked for any");
    entries[polars].used = true;
    gather(false);
    cr_assert_eq(fp_evidence_action(&evidence), FP_ACTION_WARN);
    (void)other;
}

Test(evidence, told)
{
    struct fp_hang hang = {0};
    add("polars.so", "");
    waiting.caller = &in_python;
    natives[native_count++] = (struct fp_native_frame){.dso = "/lib/libstdc++.so.6", .symbol = ""};
    natives[native_count++] = (struct fp_native_frame){.dso = "/lib/liba.so", .symbol = ""};
    gather(false);
    fp_evidence_fill(&evidence, &hang, &waiting);
    cr_assert_str_eq(hang.waiting.package, "python");
    cr_assert_str_eq(hang.waiting.version, "3.11.7");
    cr_assert_str_eq(hang.waiting.dso, "/lib/liba.so", "libstdc++ waits for its caller");
    cr_assert_str_eq(hang.at.user, "app.py:7");
    cr_assert_eq(hang.lost, &evidence.lost[0].runtime);
    cr_assert(fp_evidence_has_reader(&evidence));
    has_stack = false;
    gather(false);
    fp_evidence_fill(&evidence, &hang, &waiting);
    cr_assert_not(fp_evidence_has_reader(&evidence));
    entries[1].lost = 0;
    gather(false);
    fp_evidence_fill(&evidence, &hang, &waiting);
    cr_assert_null(hang.lost);
}
