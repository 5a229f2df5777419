/* See ci.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/ci/ci.h"

#include "cli/base/say.h"
#include "cli/ci/folder.h"
#include "cli/ci/supervise.h"
#include "cli/ci/systems.h"
#include "policy/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MOST_SECONDS = 10000000 };

static bool is_log_one_file(void)
{
    const char *given = getenv("FORKPOLICY_LOG");
    if (!given || !strstr(given, "%p"))
        return true;
    fp_cli_say("run: --ci follows one log for all processes: FORKPOLICY_LOG without %%p");
    return false;
}

/* Seconds, as a user writes them; "" and what is no number are said. */
static bool read_timeout(const char *given, long *milliseconds)
{
    char *end = NULL;
    double seconds = given ? strtod(given, &end) : 0;
    *milliseconds = 0;
    if (!given)
        return true;
    if (end == given || *end || !(seconds >= 0.001) || seconds > TIMEOUT_MOST_SECONDS) {
        fp_cli_say("run: --timeout \"%s\": want seconds, 0.001 to %d", given, TIMEOUT_MOST_SECONDS);
        return false;
    }
    *milliseconds = (long)(seconds * 1000 + 0.5);
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

/* The shim's own words would stand between the job's: what matters is said at its end. The user's
   entries come last, and count. */
static void quieten(void)
{
    const char *given = getenv("FORKPOLICY_OPTIONS");
    char *whole = NULL;
    if (asprintf(&whole, "quiet=1%s%s", given && *given ? "," : "", given ? given : "") < 0)
        return;
    setenv("FORKPOLICY_OPTIONS", whole, 1);
    free(whole);
}

int fp_ci_run(const struct fp_ci_options *options, const char *program, char **arguments)
{
    static struct fp_ci_folder folder;
    struct fp_supervision supervision = {.hang_milliseconds = hang_milliseconds(),
                                         .keeps_status = options->keeps_status};
    if (!is_log_one_file() || !read_timeout(options->timeout, &supervision.timeout_milliseconds) ||
        !fp_ci_folder_open(&folder, options->report))
        return FP_EXIT_USAGE;
    setenv("FORKPOLICY_LOG", folder.log, 1);
    quieten();
    supervision.log = folder.log;
    supervision.report = folder.text;
    int status = fp_supervise(&supervision, program, arguments);
    if (supervision.has_said)
        fp_ci_system_report(folder.log, folder.path);
    fp_ci_folder_close(&folder, supervision.has_said);
    return status;
}
