/* See used.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/used.h"

#include "policy/decide.h"
#include "policy/hang_message.h"
#include "shim/emit.h"
#include "shim/got.h"
#include "shim/passage.h"
#include "shim/resolve.h"
#include "shim/self.h"
#include "shim/watched.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLER __builtin_return_address(0)
#define REAL(name) ((__typeof(&(name)))fp_got_real(FP_WATCHED_##name))

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
    fp_report_program(program);
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

/* What hangs was told at the fork; of what is not known nothing can be said. */
__attribute__((noinline)) static void tell(struct fp_runtime_entry *entry, const char *call)
{
    struct fp_runtime runtime = fp_resolve_runtime(entry, atomic_load(&entry->lost));
    struct fp_judgement judgement = fp_resolve_judgement(&runtime);
    struct fp_fork_origin fork = fp_watch_origin();
    if (judgement.action == FP_ACTION_OFF)
        return;
    /* A library that starts threads anew may well work (libgomp does, on another thread). */
    if (judgement.class == FP_CLASS_RESET && strcmp(call, "pthread_create") != 0)
        say(&runtime, call, &fork);
    record(&runtime, &judgement, call, &fork);
}

void fp_used_note(const void *caller, const char *call)
{
    const struct fp_object *object = fp_self.inside ? NULL : fp_got_object_of(caller);
    /* What the program itself does says nothing of the threads that it had. */
    uint32_t index = object && *object->name ? fp_runtime_find(object->name) : FP_ENTRY_NONE;
    if (index == FP_ENTRY_NONE)
        return;
    struct fp_runtime_entry *entry = fp_runtime_at(index);
    if (!atomic_load(&entry->lost) || atomic_exchange(&entry->used, true))
        return;
    struct fp_work work = fp_work_begin();
    atomic_store(&any_used, true);
    tell(entry, call);
    fp_work_end(work);
}

/* Passed on by a jump, so that the watch finds the caller's address. */
long fp_used_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long command = b & FUTEX_CMD_MASK;
    if (number == SYS_futex && (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET))
        fp_used_note(CALLER, "futex");
    return fp_watched_syscall(number, a, b, c, d, e, f);
}

static bool is_eventfd(int file)
{
    char path[40], link[24];
    struct fp_text text = FP_TEXT(path);
    fp_text_format(&text, "/proc/self/fd/%d", file);
    ssize_t length = readlink(path, link, sizeof link);
    return length == 20 && memcmp(link, "anon_inode:[eventfd]", 20) == 0;
}

ssize_t fp_used_write(int file, const void *bytes, size_t count)
{
    int saved = errno;
    if (count == sizeof(uint64_t) && is_eventfd(file))
        fp_used_note(CALLER, "eventfd");
    errno = saved;
    return REAL(write)(file, bytes, count);
}

int fp_used_cond_signal(pthread_cond_t *condition)
{
    fp_used_note(CALLER, "pthread_cond_signal");
    return REAL(pthread_cond_signal)(condition);
}

int fp_used_cond_broadcast(pthread_cond_t *condition)
{
    fp_used_note(CALLER, "pthread_cond_broadcast");
    return REAL(pthread_cond_broadcast)(condition);
}

int fp_used_sem_post(sem_t *semaphore)
{
    fp_used_note(CALLER, "sem_post");
    return REAL(sem_post)(semaphore);
}
