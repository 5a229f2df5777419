/* See registered.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/fork/registered.h"

#include "forkpolicy.h"
#include "policy/reset_event.h"
#include "shim/base/child_section.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/self.h"
#include "shim/libraries/address.h"
#include "shim/threads/resolve.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef const struct forkpolicy_runtime *runtime_pointer;

static _Atomic(runtime_pointer) runtimes[FP_REGISTERED_MAX]; /* in order of registration */
static uint32_t entries[FP_REGISTERED_MAX];                  /* in the registry of runtimes */
static _Atomic unsigned used;                                /* places ever taken */

/* For the fork that is under way on this thread: the runtimes were asked, and which were quiet. */
static FP_THREAD bool is_asked;
static FP_THREAD uint64_t prepared_here;

FP_CHILD static void record(runtime_pointer runtime, const char *phase, uint64_t begun,
                            const char *wrong)
{
    char line[1024], host[65];
    struct fp_text text = FP_TEXT(line);
    if (!fp_emit_has_log())
        return;
    struct fp_event_header header = fp_emit_header("handler", host, sizeof host);
    fp_event_handler(&text, &header, runtime->name, phase, fp_microseconds() - begun, wrong);
    fp_emit_record(&text);
}

/* What is quiet goes through the fork by itself; what is not is lost in the child like any other.
 */
static bool is_refused(unsigned place, bool is_quiet)
{
    struct fp_runtime_entry *entry = fp_runtime_at(entries[place]);
    atomic_store(&entry->registered, is_quiet);
    struct fp_runtime runtime = fp_resolve_runtime(entry, 1);
    return !is_quiet && fp_resolve_judgement(&runtime).action == FP_ACTION_REFUSE;
}

/* Again every millisecond, until it is quiet or the time is up. */
static int ask(runtime_pointer runtime)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t begun = fp_microseconds();
    int answer = runtime->prepare ? runtime->prepare(runtime->state) : 0;
    while (answer == EBUSY &&
           fp_microseconds() - begun < fp_config.options.quiesce_milliseconds * 1000UL) {
        nanosleep(&pause, NULL);
        answer = runtime->prepare(runtime->state);
    }
    record(runtime, "prepare", begun, answer == EBUSY ? "busy" : answer ? "failed" : "");
    return answer;
}

static void say_busy(runtime_pointer runtime)
{
    char line[256];
    struct fp_text text = FP_TEXT(line);
    fp_text_format(&text, "forkpolicy: fork() refused in pid %d: ", (int)getpid());
    fp_text_quote(&text, fp_slice_of(runtime->name), 64);
    fp_text_format(&text, " is busy (quiesce_ms=%u)\n", fp_config.options.quiesce_milliseconds);
    fp_emit_text((struct fp_slice){line, text.length});
}

bool fp_registered_prepare(void)
{
    unsigned count = atomic_load_explicit(&used, memory_order_relaxed);
    if (!count || is_asked)
        return true; /* and nothing is written */
    is_asked = true;
    prepared_here = 0;
    for (unsigned i = count; i-- > 0;) {
        runtime_pointer runtime = atomic_load(&runtimes[i]);
        if (!runtime)
            continue;
        bool is_quiet = ask(runtime) == 0;
        prepared_here |= (uint64_t)is_quiet << i;
        if (is_refused(i, is_quiet)) {
            say_busy(runtime);
            fp_registered_failed();
            return false;
        }
    }
    return true;
}

typedef void handler(void *state);

FP_CHILD static void run(handler *pick(runtime_pointer runtime), const char *phase)
{
    uint64_t prepared = prepared_here;
    int saved = errno;
    if (!is_asked)
        return;
    is_asked = false;
    prepared_here = 0;
    for (unsigned i = 0; prepared; i++, prepared >>= 1) {
        runtime_pointer runtime = prepared & 1 ? atomic_load(&runtimes[i]) : NULL;
        handler *picked = runtime ? pick(runtime) : NULL;
        uint64_t begun = picked ? fp_microseconds() : 0;
        if (!picked)
            continue;
        picked(runtime->state);
        record(runtime, phase, begun, "");
    }
    errno = saved;
}

static handler *pick_parent(runtime_pointer runtime)
{
    return runtime->parent;
}

FP_CHILD static handler *pick_child(runtime_pointer runtime)
{
    return runtime->child;
}

static handler *pick_failed(runtime_pointer runtime)
{
    return runtime->failed ? runtime->failed : runtime->parent;
}

void fp_registered_parent(void)
{
    run(pick_parent, "parent");
}

void fp_registered_failed(void)
{
    run(pick_failed, "failed");
}

FP_CHILD void fp_registered_child(void)
{
    run(pick_child, "child");
}

int fp_registered_add(runtime_pointer runtime)
{
    for (unsigned i = 0; i < atomic_load(&used); i++)
        if (atomic_load(&runtimes[i]) == runtime)
            return EEXIST;
    unsigned place = atomic_load(&used);
    do {
        if (place == FP_REGISTERED_MAX)
            return ENOSPC;
    } while (!atomic_compare_exchange_weak(&used, &place, place + 1));
    entries[place] = fp_runtime_intern(fp_owner_of(runtime->anchor).path, "", "");
    struct fp_runtime_entry *entry = fp_runtime_at(entries[place]);
    atomic_store(&entry->name, runtime->name);
    atomic_store(&entry->registered, true);
    atomic_store(&runtimes[place], runtime);
    return 0;
}

int fp_registered_remove(runtime_pointer runtime)
{
    for (unsigned i = 0; i < atomic_load(&used); i++) {
        runtime_pointer expected = runtime;
        if (runtime && atomic_compare_exchange_strong(&runtimes[i], &expected, NULL))
            return 0;
    }
    return ENOENT;
}
