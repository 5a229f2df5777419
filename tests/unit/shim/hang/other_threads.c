/*
 * Tests of shim/hang/other_threads.c, with a /proc of their own: what the kernel would say of each
 * thread, in the first look and in the second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/hang/other_threads.h"

#include "common/files.h"
#include "policy/named_code.h"
#include "shim/base/config.h"
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

ssize_t fp_file_read(const char *path, char *buffer, size_t size)
{
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

static int looks_begun;

bool fp_tasks_each(bool (*visit)(int tid, void *context), void *context)
{
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

static void take_look(bool thorough)
{
    looks_begun = 0;
    self = (pid_t)syscall(SYS_gettid);
    fp_company_look(&found, blocked_by_self, thorough);
}

/* Asleep for ever in both looks. */
static struct thread *add(pid_t tid)
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

static enum fp_company company(void)
{
    take_look(false);
    return found.company;
}

/* The record of a thread: a slice that ends at `limit`, which is in this process's memory. */
static struct timespec limit = {5, 250};

static struct fp_wait_record *tell(const struct thread *thread, enum fp_wait wait, uint64_t object)
{
    size_t i = (size_t)(thread - threads);
    has_record[i] = true;
    records[i] = (struct fp_wait_record){
        .wait = wait + 1, .object = (const void *)object, .caller = &limit, .deadline = 5000000250};
    return &records[i];
}

static struct thread *in_slice(pid_t tid, enum fp_wait wait, uint64_t object)
{
    struct thread *thread = add(tid);
    BOTH(thread, until, (uint64_t)(uintptr_t)&limit);
    tell(thread, wait, object);
    return thread;
}

Test(other_threads, alone)
{
    take_look(false);
    cr_assert_eq(found.company, FP_COMPANY_NONE);
    cr_assert_eq(found.threads, 1);
    cr_assert(found.gil_is_free);
}

/* The kernel's list stops at a thread that ends while it is made. */
Test(other_threads, a_thread_that_is_not_listed_may_be_awake)
{
    unlisted = 1;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, asleep_for_ever)
{
    add(OTHER);
    add(OTHER + 1);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    cr_assert_eq(found.threads, 3);
    cr_assert_eq(looks_begun, 2, "one look sees threads at different times");
}

Test(other_threads, awake_in_either_look)
{
    struct thread *thread = add(OTHER);
    for (int i = 0; i < LOOKS; i++)
        for (const char *state = "RDTt?"; *state; state++) {
            thread->looks[i].state = *state;
            cr_assert_eq(company(), FP_COMPANY_AWAKE, "%c in look %d", *state, i);
            thread->looks[i].state = 'S';
        }
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
}

Test(other_threads, ran_between_the_looks)
{
    struct thread *thread = add(OTHER);
    thread->looks[1].voluntary++;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->looks[1] = thread->looks[0];
    thread->looks[1].forced++;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->looks[1] = thread->looks[0];
    thread->looks[1].word += 4;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, waits_that_may_end)
{
    struct thread *thread = add(OTHER);
    struct seen asleep = thread->looks[0];
    struct seen others[] = {asleep, asleep, asleep, asleep, asleep};
    others[0].call = SYS_read;
    others[1].operation = FUTEX_WAIT;                         /* shared */
    others[2].operation = FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG; /* the kernel may hand it over */
    others[3].until = (uint64_t)(uintptr_t)&limit;            /* with a limit, not of ours */
    others[4].call = SYS_futex + 1000;                        /* begins with the same digits */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        thread->looks[0] = thread->looks[1] = others[i];
        cr_assert_eq(company(), FP_COMPANY_AWAKE, "%zu", i);
    }
    BOTH(thread, operation, FUTEX_WAIT | FUTEX_PRIVATE_FLAG);
    BOTH(thread, call, SYS_futex);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
}

/* In calls in which its code holds nothing; in others it may hold a lock of its own. */
Test(other_threads, helpers_at_rest)
{
    struct thread *thread = add(OTHER);
    helping_file = entry.file = "/lib/helper.py";
    has_slot = python_runs = true;
    BOTH(thread, call, SYS_accept4);
    cr_assert_eq(company(), FP_COMPANY_HELPERS);
    cr_assert(found.gil_is_free);
    BOTH(thread, call, SYS_accept);
    cr_assert_eq(company(), FP_COMPANY_HELPERS);
    BOTH(thread, call, SYS_futex);
    BOTH(thread, until, (uint64_t)(uintptr_t)&limit);
    cr_assert_eq(company(), FP_COMPANY_HELPERS);
    BOTH(thread, operation, FUTEX_WAIT_BITSET);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    BOTH(thread, call, SYS_write);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    BOTH(thread, call, SYS_accept);
    thread->looks[1].state = 'R';
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->looks[1].state = 'S';
    entry.file = "/lib/other.py";
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    entry.file = helping_file = ""; /* native code */
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    has_slot = false;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, slices_that_were_told)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    struct fp_wait_record *record = &records[0];
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    cr_assert_eq(found.caller_count, 1);
    cr_assert_eq(found.callers[0], &limit);
    record->deadline++; /* left behind in another wait */
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    record->deadline--;
    record->wait = 0;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    tell(thread, FP_WAIT_SEMAPHORE, WORD - 63);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    tell(thread, FP_WAIT_SEMAPHORE, WORD - 64);
    cr_assert_eq(company(), FP_COMPANY_AWAKE, "the object ends before the word");
    tell(thread, FP_WAIT_SEMAPHORE, WORD + 4);
    cr_assert_eq(company(), FP_COMPANY_AWAKE, "the object begins behind the word");
    tell(thread, FP_WAIT_SEMAPHORE, WORD);
    BOTH(thread, until, 8); /* its stack is gone */
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, slices_on_shared_memory)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    BOTH(thread, operation, FUTEX_WAIT_BITSET);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

/* The kernel wakes a joined thread's word as if it were shared; it lies in the descriptor. */
Test(other_threads, joins_that_were_told)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_JOIN, WORD - 720);
    BOTH(thread, operation, FUTEX_WAIT_BITSET);
    cr_assert_eq(company(), FP_COMPANY_ASLEEP);
    tell(thread, FP_WAIT_JOIN, WORD - 4096);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    tell(thread, FP_WAIT_JOIN, WORD - 720);
    BOTH(thread, call, SYS_read);
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
}

Test(other_threads, ended_or_unreadable)
{
    struct thread *thread = add(OTHER);
    BOTH(thread, state, 'Z');
    cr_assert_eq(company(), FP_COMPANY_NONE);
    cr_assert_eq(found.threads, 1);
    BOTH(thread, state, 'X');
    cr_assert_eq(company(), FP_COMPANY_NONE);
    BOTH(thread, state, 'S');
    thread->is_unreadable = true;
    cr_assert_eq(company(), FP_COMPANY_AWAKE);
    thread->is_unreadable = false;
    is_self_unreadable = true;
    cr_assert_eq(company(), FP_COMPANY_AWAKE, "its signal handlers are not known");
}

Test(other_threads, signals_that_somebody_takes)
{
    handled = 0xf0;
    blocked_by_self = 0xff;
    BOTH(add(OTHER), blocked, 0x3f);
    take_look(false);
    cr_assert_eq(found.handled, 0xf0);
    cr_assert_eq(found.handled & found.deliverable, 0xc0);
    threads[0].looks[0].blocked = threads[0].looks[1].blocked = 0xff;
    take_look(false);
    cr_assert_eq(found.handled & found.deliverable, 0);
}

Test(other_threads, pythons_lock)
{
    in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    take_look(false);
    cr_assert(found.gil_is_free);
    records[0].has_gil = true;
    take_look(false);
    cr_assert_not(found.gil_is_free);
    has_record[0] = false;
    BOTH(&threads[0], until, 0);
    take_look(false);
    cr_assert(found.gil_is_free, "a thread of C code");
    python_runs = has_slot = true;
    entry.file = "";
    take_look(false);
    cr_assert(found.gil_is_free);
    entry.file = "pool.py";
    take_look(false);
    cr_assert_not(found.gil_is_free);
}

static void *look_beside_main(void *thorough)
{
    take_look(thorough != NULL);
    return NULL;
}

static void look_from_a_thread(bool thorough)
{
    pthread_t thread;
    pthread_create(&thread, NULL, look_beside_main, thorough ? &limit : NULL);
    pthread_join(thread, NULL);
}

Test(other_threads, main_thread)
{
    struct thread *thread = in_slice(getpid(), FP_WAIT_SEMAPHORE, WORD);
    is_python_code = true;
    look_from_a_thread(false);
    cr_assert(found.main_waits && found.main_is_interruptible && found.main_waits_in_python);
    tell(thread, FP_WAIT_MUTEX, WORD);
    is_python_code = false;
    look_from_a_thread(false);
    cr_assert(found.main_waits && !found.main_is_interruptible && !found.main_waits_in_python);
    tell(thread, FP_WAIT_MUTEX, WORD)->deadline++;
    look_from_a_thread(false);
    cr_assert_not(found.main_waits);
    python_runs = true; /* a main thread has no slot, and runs Python */
    look_from_a_thread(false);
    cr_assert_not(found.gil_is_free);
}

Test(other_threads, another_main_thread_does_not_count)
{
    in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    look_from_a_thread(false);
    cr_assert_not(found.main_waits);
}

Test(other_threads, thorough)
{
    struct thread *thread = add(OTHER);
    BOTH(thread, state, 'R');
    in_slice(OTHER + 1, FP_WAIT_SEMAPHORE, WORD);
    take_look(false);
    cr_assert_eq(found.threads, 2, "the first that is awake ends a look");
    cr_assert_eq(found.caller_count, 0);
    take_look(true);
    cr_assert_eq(found.threads, 3);
    cr_assert_eq(found.caller_count, 1);
    cr_assert_eq(found.company, FP_COMPANY_AWAKE);
}

static uint64_t standstill(void)
{
    take_look(true);
    return found.standstill;
}

/* A thread whose slices end has done nothing; one that was woken has. */
Test(other_threads, standstill)
{
    struct thread *thread = in_slice(OTHER, FP_WAIT_CONDITION, WORD);
    uint64_t before = standstill();
    BOTH(thread, voluntary, 9);
    cr_assert_eq(standstill(), before);
    records[0].woken++;
    cr_assert_neq(standstill(), before);
    records[0].woken--;
    records[0].caller = &count;
    cr_assert_neq(standstill(), before);
    records[0].caller = &limit;
    records[0].object = (const void *)(WORD - 8);
    cr_assert_neq(standstill(), before);
    tell(thread, FP_WAIT_CONDITION, WORD);
    cr_assert_eq(standstill(), before);
    has_record[0] = false;
    BOTH(thread, until, 0);
    before = standstill();
    BOTH(thread, voluntary, 10);
    cr_assert_neq(standstill(), before);
    BOTH(thread, voluntary, 9);
    BOTH(thread, forced, 3);
    cr_assert_neq(standstill(), before);
}

/* What a look has seen of some threads is what a later one sees, when the others have acted and
   ended. */
Test(other_threads, no_standstill_while_one_is_awake)
{
    struct thread *sleeper = in_slice(OTHER, FP_WAIT_SEMAPHORE, WORD);
    add(OTHER + 1);
    BOTH(sleeper, state, 'R');
    take_look(false);
    cr_assert_eq(found.threads, 2, "the look ends here");
    cr_assert_eq(found.standstill, 0);
    BOTH(sleeper, state, 'S');
    take_look(false);
    cr_assert_neq(found.standstill, 0);
    unlisted = 1;
    take_look(false);
    cr_assert_eq(found.standstill, 0, "nor of a list that stops early");
}

/* Zero is the standstill of no look at all. */
Test(other_threads, standstill_alone)
{
    uint64_t before = standstill();
    cr_assert_neq(before, 0);
    starts++; /* and it has ended */
    cr_assert_neq(standstill(), before);
}
