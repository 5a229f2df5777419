/* See progress.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/progress.h"

#include "cli/base/say.h"

#include <stdbool.h>
#include <unistd.h>

enum { QUIET_SECONDS = 10 }; /* many a job rests that long */

void fp_progress_idle(unsigned idle_seconds, unsigned limit_seconds, size_t processes)
{
    static bool told;
    if (idle_seconds < QUIET_SECONDS)
        told = false;
    else if (!told && isatty(STDERR_FILENO)) {
        told = true;
        fp_cli_say("run: the job's %zu process%s idle for %u s; at %u s they are looked at closely",
                   processes, processes == 1 ? " is" : "es are", idle_seconds, limit_seconds);
    }
}
