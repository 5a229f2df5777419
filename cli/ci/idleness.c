/* See idleness.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/idleness.h"

#include "cli/base/say.h"

#include <time.h>
#include <unistd.h>

enum {
    BUSY_PER_CENT = 5,
    WINDOW_MILLISECONDS = 1000, /* a tick is ten */
    QUIET_SECONDS = 10,         /* many a job rests that long */
};

long fp_idleness_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void fp_idleness_note(struct fp_idleness *idleness, const struct fp_tree *tree)
{
    unsigned long long ticks = 0, newest = idleness->newest;
    long now = fp_idleness_now(), elapsed = now - idleness->looked_at;
    if (elapsed < WINDOW_MILLISECONDS)
        return;
    for (size_t i = 0; i < tree->count; i++) {
        const struct fp_tree_process *process = &tree->processes[i];
        ticks += process->ticks;
        if (process->forked && process->begun > newest)
            newest = process->begun;
    }
    unsigned long long more = ticks > idleness->ticks ? ticks - idleness->ticks : 0;
    long used = (long)more * 1000 / sysconf(_SC_CLK_TCK);
    /* Fewer than before: one has ended that used some. */
    if (!idleness->looked_at || used * 100 > elapsed * BUSY_PER_CENT || ticks < idleness->ticks ||
        newest > idleness->newest)
        idleness->since = now;
    idleness->newest = newest;
    idleness->ticks = ticks;
    idleness->looked_at = now;
}

void fp_idleness_say(struct fp_idleness *idleness, unsigned limit_seconds, size_t processes)
{
    unsigned seconds = (unsigned)(fp_idleness_now() - idleness->since) / 1000;
    if (seconds < QUIET_SECONDS) {
        idleness->said = false;
    } else if (!idleness->said && isatty(STDERR_FILENO)) {
        idleness->said = true;
        fp_cli_say("run: the job's %zu process%s idle for %u s; at %u s they are looked at closely",
                   processes, processes == 1 ? " is" : "es are", seconds, limit_seconds);
    }
}
