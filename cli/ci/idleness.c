/* See idleness.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/idleness.h"

#include <time.h>
#include <unistd.h>

enum { BUSY_PER_CENT = 5, WINDOW_MILLISECONDS = 1000 /* a tick is ten */ };

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
