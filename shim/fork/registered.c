/* See registered.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/fork/registered.h"

#include "forkpolicy.h"
#include "policy/reset_event.h"
#include "shim/base/child_section.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/self.h"
#include "shim/fork/registrations.h"
#include "shim/threads/resolve.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

/* For the fork that is under way on this thread. `level`: by how many hooks and atfork handlers it
   has passed, and those of a signal handler that forks meanwhile. */
static FP_THREAD struct {
    unsigned level;
    uint64_t last;  /* the last registration that was asked */
    uint64_t quiet; /* by their numbers */
} asked;

struct handled {
    const char *name, *phase, *wrong;
    uint64_t microseconds;
};

FP_CHILD static void write_record(void *context)
{
    const struct handled *handled = context;
    char line[1024], host[65];
    struct fp_text text = FP_TEXT(line);
    struct fp_event_header header = fp_emit_header("handler", host, sizeof host);
    fp_event_handler(&text, &header, handled->name, handled->phase, handled->microseconds,
                     handled->wrong);
    fp_emit_record(&text);
}

FP_CHILD static void record(const struct fp_registration *registration, const char *phase,
                            uint64_t begun, const char *wrong)
{
    struct handled handled = {registration->name, phase, wrong, fp_microseconds() - begun};
    if (fp_emit_has_log())
        fp_on_own_stack(write_record, &handled);
}

/* What is quiet goes through the fork by itself; what is not is lost in the child like any other.
 */
static bool is_refused(const struct fp_registration *registration, bool is_quiet)
{
    struct fp_runtime_entry *entry = fp_runtime_at(registration->entry);
    atomic_store(&entry->registered, is_quiet);
    struct fp_runtime runtime = fp_resolve_runtime(entry, 1);
    return !is_quiet && fp_resolve_judgement(&runtime).action == FP_ACTION_REFUSE;
}

/* Its answer; ENOENT: it has unregistered. */
static int ask_once(struct fp_registration *registration, uint64_t order)
{
    fp_registered_runtime runtime = fp_registration_begin(registration, order);
    if (!runtime)
        return ENOENT;
    int answer = runtime->prepare ? runtime->prepare(runtime->state) : 0;
    fp_registration_end(registration);
    return answer;
}

/* Again every millisecond, until it is quiet or the time is up. */
static int ask(struct fp_registration *registration, uint64_t order)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    uint64_t begun = fp_microseconds();
    int answer = ask_once(registration, order);
    while (answer == EBUSY &&
           fp_microseconds() - begun < fp_config.options.quiesce_milliseconds * 1000UL) {
        nanosleep(&pause, NULL);
        answer = ask_once(registration, order);
    }
    if (answer != ENOENT)
        record(registration, "prepare", begun, answer == EBUSY ? "busy" : answer ? "failed" : "");
    return answer;
}

static void say_busy(const struct fp_registration *registration)
{
    char line[256];
    struct fp_text text = FP_TEXT(line);
    fp_text_format(&text, "forkpolicy: fork() refused in pid %d: ", (int)getpid());
    fp_text_quote(&text, fp_slice_of(registration->name), 64);
    fp_text_format(&text, " is busy (quiesce_ms=%u)\n", fp_config.options.quiesce_milliseconds);
    fp_emit_text((struct fp_slice){line, text.length});
}

bool fp_registered_prepare(void)
{
    uint64_t order = UINT64_MAX;
    struct fp_registration *registration;
    if (!asked.level && !fp_registrations_newest())
        return true; /* and nothing is written */
    if (asked.level++)
        return true;
    asked.quiet = 0;
    asked.last = fp_registrations_newest();
    fp_registrations_sweep();
    while ((registration = fp_registration_before(&order))) {
        int answer = ask(registration, order);
        if (answer == ENOENT)
            continue;
        asked.quiet |= (uint64_t)!answer << fp_registration_number(registration);
        if (is_refused(registration, !answer)) {
            say_busy(registration);
            fp_registered_failed();
            return false;
        }
    }
    return true;
}

typedef void handler(void *state);

FP_CHILD static void run_one(struct fp_registration *registration, uint64_t order,
                             handler *pick(fp_registered_runtime runtime), const char *phase)
{
    fp_registered_runtime runtime = fp_registration_begin(registration, order);
    handler *picked = runtime ? pick(runtime) : NULL;
    uint64_t begun = picked ? fp_microseconds() : 0;
    if (picked)
        picked(runtime->state);
    if (runtime)
        fp_registration_end(registration);
    if (picked)
        record(registration, phase, begun, "");
}

FP_CHILD static void run(handler *pick(fp_registered_runtime runtime), const char *phase)
{
    struct fp_registration *registration;
    uint64_t quiet = asked.quiet, order = 0;
    int saved = errno;
    asked.quiet = 0;
    while (quiet && (registration = fp_registration_after(&order)) && order <= asked.last)
        if (quiet >> fp_registration_number(registration) & 1)
            run_one(registration, order, pick, phase);
    errno = saved;
}

static handler *pick_parent(fp_registered_runtime runtime)
{
    return runtime->parent;
}

FP_CHILD static handler *pick_child(fp_registered_runtime runtime)
{
    return runtime->child;
}

static handler *pick_failed(fp_registered_runtime runtime)
{
    return runtime->failed ? runtime->failed : runtime->parent;
}

/* Whether that was the outermost of those that asked. */
static bool is_over(void)
{
    return asked.level && --asked.level == 0;
}

void fp_registered_parent(void)
{
    if (is_over())
        run(pick_parent, "parent");
}

void fp_registered_failed(void)
{
    if (is_over())
        run(pick_failed, "failed");
}

/* Also where a signal handler has forked while another fork of its thread was under way. */
FP_CHILD void fp_registered_child(void)
{
    fp_registrations_child();
    if (!asked.level)
        return;
    asked.level = 0;
    run(pick_child, "child");
}
