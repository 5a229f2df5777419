/* See other_threads.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/hang/other_threads.h"

#include "common/files.h"
#include "common/large.h"
#include "policy/named_code.h"
#include "shim/base/child_section.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/number.h"
#include "shim/hang/left_open.h"
#include "shim/hang/wait_record.h"
#include "shim/python/python.h"
#include "shim/threads/runtimes.h"
#include "shim/threads/table.h"
#include "shim/threads/tasks.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FILE_SIZE = 4096 };

/* One file of /proc at a time. */
struct reading {
    int flags; /* to open it with */
    char text[FILE_SIZE];
};

struct pass {
    struct fp_company_look *look;
    struct reading *reading;
    pid_t self;
    uint64_t moment; /* over all that is seen: differs if any thread ran since */
    bool asleep, thorough, has_helpers;
};

static uint64_t number_after(const char *text, const char *key, unsigned base)
{
    uint64_t number;
    fp_number_after(text, key, base, &number);
    return number;
}

/* The nth number of a line of /proc/PID/syscall; the first is the call's, and decimal. */
static uint64_t argument(const char *line, int nth)
{
    for (; nth > 0 && line; nth--) {
        line = strchr(line, ' ');
        line = line ? line + 1 : NULL;
    }
    return line ? number_after(line, "0x", 16) : 0;
}

struct companion {
    pid_t tid;
    char state;
    uint64_t switches; /* how often it gave up or lost the processor */
    uint64_t blocked;
    bool in_futex, is_private, is_endless, rests;
    uint64_t word;  /* the futex it waits for */
    uint64_t until; /* where its time limit stands, or 0 */
};

static bool read_task(struct reading *reading, pid_t tid, const char *file)
{
    char path[64];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/task/%d/%s", (int)tid, file);
    return fp_file_read_with(path, reading->text, FILE_SIZE, reading->flags) > 0;
}

static bool is_in_call(const char *line, long number)
{
    char digits[16];
    struct fp_text text = FP_TEXT(digits);
    fp_text_format(&text, "%ld ", number);
    return strncmp(line, digits, text.length) == 0;
}

static bool read_companion(struct companion *companion, struct reading *reading)
{
    const char *buffer = reading->text;
    if (!read_task(reading, companion->tid, "status"))
        return false;
    const char *state = strstr(buffer, "\nState:\t");
    companion->state = state ? state[8] : '?';
    companion->switches = number_after(buffer, "\nvoluntary_ctxt_switches:", 10) +
                          number_after(buffer, "\nnonvoluntary_ctxt_switches:", 10);
    companion->blocked = number_after(buffer, "\nSigBlk:", 16);
    if (!read_task(reading, companion->tid, "syscall"))
        return false;
    companion->in_futex = is_in_call(buffer, SYS_futex);
    int operation = (int)argument(buffer, 2), command = operation & FUTEX_CMD_MASK;
    companion->word = argument(buffer, 1);
    companion->until = argument(buffer, 4);
    companion->is_private = companion->in_futex && (operation & FUTEX_PRIVATE_FLAG);
    companion->is_endless = companion->is_private &&
                            (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) &&
                            companion->until == 0;
    companion->rests = is_in_call(buffer, SYS_accept) || is_in_call(buffer, SYS_accept4) ||
                       (companion->is_private && command == FUTEX_WAIT_BITSET);
    return true;
}

/* The time limit of another thread's wait; 0 where it cannot be read. The thread may be on its way,
   and its stack gone. By the own thread's number: a main thread that has left has no memory. */
static uint64_t read_limit(const struct companion *companion)
{
    struct timespec limit;
    struct iovec here = {&limit, sizeof limit},
                 there = {(void *)(uintptr_t)companion->until, sizeof limit};
    pid_t self = (pid_t)syscall(SYS_gettid);
    if (!companion->until ||
        process_vm_readv(self, &here, 1, &there, 1, 0) != (ssize_t)sizeof limit)
        return 0;
    return fp_nanoseconds(&limit);
}

/*
 * A slice of one of our waits means for ever, if it is the wait that was told: the object holds the
 * word, and the kernel was given the slice's very time limit. A record that was left behind, by a
 * thread cancelled in its wait or one that left it by siglongjmp, has another. (glibc before 2.34
 * makes the limit relative for some waits: then nothing is proven beside them.) A joined thread's
 * word lies in its own descriptor.
 */
static bool is_told(const struct companion *companion, const struct fp_wait_record *record)
{
    int wait = record ? atomic_load(&record->wait) : 0;
    uint64_t object = wait ? (uint64_t)(uintptr_t)atomic_load(&record->object) : 0;
    bool joins = wait - 1 == FP_WAIT_JOIN; /* the kernel wakes it, as if it were shared */
    uint64_t size = joins ? 4096 : 64;
    return wait && (joins ? companion->in_futex : companion->is_private) &&
           companion->word - object < size &&
           read_limit(companion) == atomic_load(&record->deadline);
}

static void mix(uint64_t *digest, uint64_t value)
{
    *digest = XXH3_64bits_withSeed(&value, sizeof value, *digest);
}

static void note_told(struct fp_company_look *look, const struct companion *companion,
                      const struct fp_wait_record *record)
{
    const void *caller = atomic_load(&record->caller);
    mix(&look->standstill, atomic_load(&record->woken));
    mix(&look->standstill, (uint64_t)(uintptr_t)atomic_load(&record->object));
    mix(&look->standstill, (uint64_t)(uintptr_t)caller);
    look->mutex_is_wanted |= look->mutex && atomic_load(&record->object) == look->mutex;
    if (look->caller_count < FP_COMPANIONS_MAX)
        look->callers[look->caller_count++] = caller;
    if (atomic_load(&record->has_gil))
        look->gil_is_free = false;
    if (companion->tid == getpid()) {
        look->main_waits = true;
        look->main_is_interruptible = atomic_load(&record->wait) - 1 == FP_WAIT_SEMAPHORE;
        look->main_waits_in_python = fp_python_owns(fp_owner_of(caller));
    }
}

/* The Python file that started a thread; NULL or "": none did. */
static const char *python_file(pid_t tid)
{
    const struct fp_thread_slot *slot = fp_table_find(tid);
    return slot ? fp_runtime_at(slot->runtime)->file : NULL;
}

/* The main thread of a Python process does, and threads that Python started. */
static bool runs_python(pid_t tid)
{
    const char *file = python_file(tid);
    if (!fp_python_runs())
        return false;
    return fp_table_find(tid) ? file && *file : tid == getpid();
}

/* It waits for a process that connects, or for its time to look: without Python's lock, and without
   a lock of its own. */
static bool is_helper(const struct companion *companion)
{
    const char *file = companion->rests ? python_file(companion->tid) : NULL;
    return file && *file && fp_policy_helps(&fp_config.policy, file);
}

static bool meet(int tid, void *context)
{
    struct pass *pass = context;
    struct companion companion = {.tid = tid};
    if (tid == pass->self)
        return true;
    if (!read_companion(&companion, pass->reading))
        companion.state = '?'; /* it has just ended, or must not be read */
    if (companion.state == 'Z' || companion.state == 'X')
        return true; /* a main thread that has left; it does nothing more */
    struct fp_company_look *look = pass->look;
    const struct fp_wait_record *record = fp_wait_record_of(companion.tid);
    bool told = is_told(&companion, record), helps = false;
    look->threads++;
    look->deliverable |= ~companion.blocked;
    mix(&pass->moment, (uint64_t)companion.tid);
    mix(&pass->moment, companion.switches);
    mix(&pass->moment, companion.blocked); /* as it sleeps, and not while a handler runs */
    mix(&pass->moment, companion.word);
    mix(&look->standstill, (uint64_t)companion.tid);
    if (told) {
        note_told(look, &companion, record);
    } else if (is_helper(&companion)) {
        helps = true;
    } else {
        mix(&look->standstill, companion.switches);
        if (runs_python(companion.tid))
            look->gil_is_free = false;
    }
    pass->has_helpers |= helps;
    pass->asleep &= companion.state == 'S' && (companion.is_endless || told || helps);
    return pass->asleep || pass->thorough;
}

static struct pass look_once(struct fp_company_look *look, struct reading *reading,
                             uint64_t blocked, bool thorough)
{
    struct pass pass = {.look = look,
                        .reading = reading,
                        .self = (pid_t)syscall(SYS_gettid),
                        .asleep = true,
                        .thorough = thorough};
    *look = (struct fp_company_look){
        .threads = 1, .gil_is_free = true, .deliverable = ~blocked, .mutex = look->mutex};
    mix(&look->standstill,
        fp_table_starts()); /* one that has ended since may have done something */
    if (read_task(reading, pass.self, "status")) {
        look->handled = number_after(reading->text, "\nSigCgt:", 16);
    } else {
        pass.asleep = false;
    }
    if (!fp_tasks_each_with(meet, &pass, reading->flags))
        pass.asleep = false;
    return pass;
}

static fp_left_frame left; /* by the main thread */

FP_CHILD void fp_company_child(void)
{
    left = NULL;
}

bool fp_company_seems_awake(void)
{
    FP_LARGE static struct reading reading; /* of the main thread */
    struct fp_company_look look = {0};
    if (!fp_left_open_begin(&left, __builtin_frame_address(0)))
        return false;
    reading.flags = FP_LEFT_OPEN_FLAGS;
    bool is_awake = !look_once(&look, &reading, 0, false).asleep;
    fp_left_open_end(&left);
    return is_awake;
}

void fp_company_look(struct fp_company_look *look, uint64_t blocked, bool thorough)
{
    /* The calling thread's stack may be small, and one thread looks at a time (hang.c). */
    FP_LARGE static struct reading reading;
    reading.flags = O_NONBLOCK;
    struct pass first = look_once(look, &reading, blocked, thorough);
    if (first.asleep && look->threads > 1) {
        struct pass second = look_once(look, &reading, blocked, thorough);
        first.asleep = second.asleep && second.moment == first.moment;
    }
    /* What was seen of some threads is all that a later look sees, when the others have ended. */
    if (!first.asleep)
        look->standstill = 0;
    look->company = !first.asleep        ? FP_COMPANY_AWAKE
                    : look->threads == 1 ? FP_COMPANY_NONE
                    : first.has_helpers  ? FP_COMPANY_HELPERS
                                         : FP_COMPANY_ASLEEP;
}
