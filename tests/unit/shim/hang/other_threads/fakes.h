/*
 * Tests of shim/hang/other_threads.c, with a /proc of their own: what the kernel would say of each
 * thread, in the first look and in the second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_OTHER_THREADS_FAKES_H
#define FP_TESTS_OTHER_THREADS_FAKES_H

#include "shim/hang/other_threads.h"

#include "common/files.h"
#include "policy/named_code.h"
#include "shim/base/config.h"
#include "shim/hang/left_open.h"
#include "shim/hang/wait_record.h"
#include "shim/python/python.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"
#include "shim/threads/tasks.h"

#include <criterion/criterion.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OTHER = 70001, WORD = 0x7f0000001000, LOOKS = 2 };
#define ENDLESS (FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG)

/* What /proc says of a thread in each of two looks. */
struct seen {
    char state;
    unsigned voluntary, forced;
    uint64_t blocked, word, until;
    int call, operation;
};
struct thread {
    pid_t tid;
    struct seen looks[LOOKS];
    bool is_unreadable;
};

static struct thread threads[4];
static size_t count;
static int look; /* from 0 */
static pid_t self;
static uint64_t handled, blocked_by_self;
static bool is_self_unreadable;
static unsigned starts;

static unsigned unlisted;

ssize_t fp_file_read_with(const char *path, char *buffer, size_t size, int flags)
{
    (void)flags;
    int tid;
    char file[16];
    cr_assert_eq(sscanf(path, "/proc/self/task/%d/%15s", &tid, file), 2);
    if (tid == self)
        return is_self_unreadable ? -1
                                  : snprintf(buffer, size, "Name:\tx\nSigCgt:\t%016lx\n", handled);
    for (size_t i = 0; i < count; i++) {
        const struct seen *seen = &threads[i].looks[look];
        if (threads[i].tid != tid || threads[i].is_unreadable)
            continue;
        if (strcmp(file, "status") == 0)
            return snprintf(buffer, size,
                            "Name:\tx\nState:\t%c (word)\nSigBlk:\t%016lx\n"
                            "voluntary_ctxt_switches:\t%u\nnonvoluntary_ctxt_switches:\t%u\n",
                            seen->state, seen->blocked, seen->voluntary, seen->forced);
        return snprintf(buffer, size, "%d 0x%lx 0x%x 0x2 0x%lx 0x0 0xffffffff 0x7ffc 0x7f\n",
                        seen->call, seen->word, (unsigned)seen->operation, seen->until);
    }
    return -1;
}

static bool breaks_in;

bool fp_left_open_begin(fp_left_frame *left, const char *frame)
{
    cr_assert(frame);
    *left = frame;
    return !breaks_in;
}

void fp_left_open_end(fp_left_frame *left)
{
    *left = NULL;
}

static int looks_begun;

bool fp_tasks_each_with(bool (*visit)(int tid, void *context), void *context, int flags)
{
    (void)flags;
    look = looks_begun++ < LOOKS ? looks_begun - 1 : LOOKS - 1;
    bool goes_on = visit(self, context);
    for (size_t i = 0; goes_on && i < count; i++)
        goes_on = visit(threads[i].tid, context);
    return !goes_on || !unlisted;
}

static struct fp_wait_record records[4];
static bool has_record[4];

const struct fp_wait_record *fp_wait_record_of(pid_t tid)
{
    for (size_t i = 0; i < count; i++)
        if (threads[i].tid == tid && has_record[i])
            return &records[i];
    return NULL;
}

static struct fp_thread_slot slot = {.runtime = 1};
static struct fp_runtime_entry entry;
static bool has_slot, python_runs, is_python_code;

unsigned fp_table_starts(void)
{
    return starts;
}

struct fp_thread_slot *fp_table_find(int tid)
{
    (void)tid;
    return has_slot ? &slot : NULL;
}

struct fp_runtime_entry *fp_runtime_at(uint32_t index)
{
    cr_assert_eq(index, 1);
    return &entry;
}

bool fp_python_runs(void)
{
    return python_runs;
}

bool fp_python_owns(struct fp_owner owner)
{
    (void)owner;
    return is_python_code;
}

struct fp_owner fp_owner_of(const void *address)
{
    (void)address;
    return (struct fp_owner){0};
}

struct fp_config fp_config;
static const char *helping_file = "";

bool fp_policy_helps(const struct fp_policy *policy, const char *file)
{
    cr_assert_eq(policy, &fp_config.policy);
    return strcmp(file, helping_file) == 0;
}

static struct fp_company_look found;

static inline void take_look(bool thorough)
{
    looks_begun = 0;
    self = (pid_t)syscall(SYS_gettid);
    fp_company_look(&found, blocked_by_self, thorough);
}

/* Asleep for ever in both looks. */
static inline struct thread *add(pid_t tid)
{
    struct seen asleep = {.state = 'S',
                          .voluntary = 7,
                          .forced = 2,
                          .word = WORD,
                          .call = SYS_futex,
                          .operation = ENDLESS};
    threads[count] = (struct thread){tid, {asleep, asleep}, false};
    return &threads[count++];
}

/* In both looks. */
#define BOTH(thread, member, value) \
    ((thread)->looks[0].member = (thread)->looks[1].member = (value))

static inline enum fp_company company(void)
{
    take_look(false);
    return found.company;
}

/* The record of a thread: a slice that ends at `limit`, which is in this process's memory. */
static struct timespec limit = {5, 250};

static inline struct fp_wait_record *tell(const struct thread *thread, enum fp_wait wait,
                                          uint64_t object)
{
    size_t i = (size_t)(thread - threads);
    has_record[i] = true;
    records[i] = (struct fp_wait_record){
        .wait = wait + 1, .object = (const void *)object, .caller = &limit, .deadline = 5000000250};
    return &records[i];
}

static inline struct thread *in_slice(pid_t tid, enum fp_wait wait, uint64_t object)
{
    struct thread *thread = add(tid);
    BOTH(thread, until, (uint64_t)(uintptr_t)&limit);
    tell(thread, wait, object);
    return thread;
}

#endif
