/* See crash.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/fork/crash.h"

#include "common/forked.h"
#include "policy/crash.h"
#include "policy/signals.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/own_stack.h"
#include "shim/base/program.h"
#include "shim/base/report_once.h"
#include "shim/base/self.h"
#include "shim/fork/children.h"
#include "shim/threads/resolve.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RECORDS_MAX = 256
}; /* of one process: a server may replace each child that crashes, for ever */

/* A child that was sent that signal by its parent, or ended itself for a hang that was told, has
   not crashed. */
static bool has_crashed(const siginfo_t *info, const struct fp_child_note *note)
{
    int signal = info->si_status;
    bool was_told = signal == SIGABRT && fp_config.options.on_proven == FP_ON_PROVEN_ABORT;
    return (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED) &&
           fp_crash_signal(signal) && !(note->sent & FP_SIGNAL_BIT(signal)) && !was_told &&
           fp_ended_as_forked(info->si_pid);
}

struct telling {
    const siginfo_t *info;
    const struct fp_child_note *note;
};

static void describe(const struct telling *telling, struct fp_crash *crash)
{
    const struct fp_child_note *note = telling->note;
    crash->pid = telling->info->si_pid;
    crash->signal = telling->info->si_status;
    crash->fork = note->fork;
    crash->fork.parent = getpid();
    crash->fork.milliseconds = fp_milliseconds() - note->fork.milliseconds;
    crash->count = note->count;
    for (size_t i = 0; i < note->count; i++) {
        crash->runtimes[i] =
            fp_resolve_runtime(fp_runtime_at(note->lost[i].entry), note->lost[i].threads);
        crash->judgements[i] = fp_resolve_judgement(&crash->runtimes[i]);
    }
}

/* Once for a place that forks. */
static void say(const struct fp_crash *crash)
{
    char line[2048];
    struct fp_text text = FP_TEXT(line);
    const char *site = fp_site_line(crash->fork.site);
    if (!fp_once(*site ? site : crash->fork.site->dso, fp_crash_signal(crash->signal)))
        return;
    fp_message_crash(&text, crash);
    fp_emit_text((struct fp_slice){line, text.length});
}

static void record(const struct fp_crash *crash)
{
    static atomic_uint records;
    char line[FP_EVENT_MAX + 1], host[65];
    struct fp_text text = FP_TEXT(line);
    if (!fp_emit_has_log() || atomic_fetch_add(&records, 1) >= RECORDS_MAX)
        return;
    struct fp_event_header header = fp_emit_header("crash", host, sizeof host);
    fp_event_crash(&text, &header, crash);
    fp_emit_record(&text);
}

static void tell(void *argument)
{
    char program[FP_PROGRAM_SIZE];
    struct fp_crash crash;
    describe(argument, &crash);
    fp_program_read(program);
    crash.program = program;
    say(&crash);
    record(&crash);
}

void fp_child_ended(const siginfo_t *info)
{
    struct fp_child_note note;
    bool is_over =
        info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED;
    if (!is_over || !fp_children_take(info->si_pid, &note))
        return;
    struct fp_work work = fp_work_begin();
    if (has_crashed(info, &note))
        fp_on_own_stack(tell, &(struct telling){info, &note});
    fp_work_end(work);
}
