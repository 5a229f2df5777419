/* See ci.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/ci.h"

#include "cli/base/say.h"
#include "cli/ci/supervise.h"
#include "policy/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A log of the user's that can be followed, or one of our own, which is gone with the job. */
static bool choose_log(char *own, size_t size, bool *is_own)
{
    const char *given = getenv("FORKPOLICY_LOG"), *folder = getenv("TMPDIR");
    *is_own = !given || !*given;
    if (!*is_own && strstr(given, "%p")) {
        fp_cli_say("run: --ci follows one log for all processes: FORKPOLICY_LOG without %%p");
        return false;
    }
    if (!*is_own)
        return true;
    snprintf(own, size, "%s/forkpolicy-XXXXXX", folder && *folder ? folder : "/tmp");
    int file = mkostemp(own, O_CLOEXEC);
    if (file < 0) {
        fp_cli_say("run: no room for a log: %s: %s", own, strerror(errno));
        return false;
    }
    close(file);
    setenv("FORKPOLICY_LOG", own, 1);
    return true;
}

static unsigned hang_milliseconds(void)
{
    struct fp_options options;
    struct fp_problem problem = {0};
    const char *given = getenv("FORKPOLICY_OPTIONS");
    fp_options_default(&options);
    if (given)
        fp_options_parse(&options, fp_slice_of(given), &problem);
    return options.hang_milliseconds;
}

int fp_ci_run(const char *program, char **arguments)
{
    char own[PATH_MAX];
    bool is_own;
    if (!choose_log(own, sizeof own, &is_own))
        return FP_EXIT_USAGE;
    const struct fp_supervision supervision = {.log = getenv("FORKPOLICY_LOG"),
                                               .hang_milliseconds = hang_milliseconds()};
    int status = fp_supervise(&supervision, program, arguments);
    if (is_own)
        unlink(own);
    return status;
}
