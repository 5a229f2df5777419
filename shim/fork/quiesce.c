/* See quiesce.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/fork/quiesce.h"

#include "common/files.h"
#include "policy/reset_event.h"
#include "shim/base/clock.h"
#include "shim/base/config.h"
#include "shim/base/emit.h"
#include "shim/base/number.h"
#include "shim/base/own_stack.h"
#include "shim/threads/census.h"
#include "shim/threads/tasks.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct look {
    pid_t self;
    int busy; /* the first thread that does not sleep; 0: all do */
};

/* malloc and the loader call the kernel for memory with their locks held. */
static bool is_for_memory(uint64_t call)
{
    return call == SYS_mmap || call == SYS_munmap || call == SYS_brk || call == SYS_mprotect ||
           call == SYS_madvise || call == SYS_mremap;
}

static bool visit(int tid, void *context)
{
    struct look *look = context;
    char path[48], line[128];
    struct fp_text text = FP_TEXT(path);
    uint64_t call;
    if (tid == look->self)
        return true;
    fp_text_format(&text, "/proc/self/task/%d/syscall", tid);
    if (fp_file_read(path, line, sizeof line) <= 0)
        return true; /* it has ended, or the kernel does not tell */
    bool runs = fp_number_after(line, "", 10, &call) == line; /* "running" */
    if (runs || is_for_memory(call))
        look->busy = tid;
    return !look->busy;
}

static void look_around(void *look)
{
    enum { TRIES = 3 }; /* of a list that was cut short */
    for (int i = 0; i < TRIES && !fp_tasks_each(visit, look); i++)
        ;
}

static int find_busy(void)
{
    struct look look = {.self = (pid_t)syscall(SYS_gettid)};
    fp_on_own_stack(look_around, &look);
    return look.busy;
}

struct waited {
    uint64_t begun;
    const char *name;
    bool is_quiet;
};

static void record(void *context)
{
    const struct waited *waited = context;
    char line[1024], host[65];
    struct fp_text text = FP_TEXT(line);
    struct fp_event_header header = fp_emit_header("quiesce", host, sizeof host);
    fp_event_quiesce(&text, &header, fp_microseconds() - waited->begun, waited->name,
                     waited->is_quiet);
    fp_emit_record(&text);
}

void fp_quiesce(void)
{
    const struct timespec pause = {.tv_nsec = 200000};
    uint64_t begun = fp_microseconds(), limit = fp_config.options.quiesce_milliseconds * 1000UL;
    char name[FP_COMM_SIZE] = "";
    int busy;
    if (!limit)
        return;
    while ((busy = find_busy()) && fp_microseconds() - begun < limit) {
        fp_census_name(busy, name);
        nanosleep(&pause, NULL);
    }
    struct waited waited = {begun, name, !busy};
    if (name[0] && fp_emit_has_log())
        fp_on_own_stack(record, &waited);
}
