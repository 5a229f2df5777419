/*
 * `forkpolicy explain`: a process that hangs now, or a record of a log. See cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/explain/explain.h"
#include "cli/base/process_tree.h"
#include "cli/base/say.h"
#include "cli/cli.h"
#include "cli/explain/process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_HANG = 3, EXIT_NOT_ALLOWED = 4 };

/* "LOG:N", where N is a line; a file of that very name comes first. */
static int explain_log(char *argument)
{
    char *colon = strrchr(argument, ':'), *end;
    if (!colon || access(argument, F_OK) == 0)
        return fp_explain_log(stdout, argument, 0);
    unsigned long number = strtoul(colon + 1, &end, 10);
    if (*end || !number || colon[1] < '0' || colon[1] > '9')
        return fp_explain_log(stdout, argument, 0);
    *colon = '\0';
    return fp_explain_log(stdout, argument, number);
}

static int explain_process(const char *argument, const struct fp_explain_options *options)
{
    struct fp_explanation worst;
    long pid = strtol(argument, NULL, 10);
    if (pid <= 0 || pid > INT_MAX) {
        fp_cli_say("explain: %s is not a process ID", argument);
        return FP_EXIT_USAGE;
    }
    struct fp_tree_process process;
    if (fp_explain_process(stdout, (pid_t)pid, options, &worst))
        return worst.grade == FP_GRADE_NONE && !worst.is_deadlock ? 0 : EXIT_HANG;
    return fp_tree_read_process((pid_t)pid, &process) ? EXIT_NOT_ALLOWED : FP_EXIT_USAGE;
}

void fp_explain_help(void)
{
    printf(
        "\noptions of explain PID, which looks at the process and all below it:\n"
        "  --json                   a record for each that hangs, as in a log, or one of "
        "\"healthy\"\n"
        "  --stacks                 the stacks of every thread\n"
        "Native stacks by libunwind; Python's where py-spy is installed, which also tells a\n"
        "worker at rest from one that hangs. LOG:LINE says a record's message again.\n"
        "exit status of explain: 0 no hang; 3 a hang; 2 usage, or no such process; 4 the process\n"
        "may not be looked at\n");
}

int fp_cli_explain(int count, char **arguments)
{
    struct fp_explain_options options = {0};
    int at = 0;
    for (; at < count && arguments[at][0] == '-' && arguments[at][1]; at++) {
        if (strcmp(arguments[at], "--json") == 0) {
            options.json = true;
        } else if (strcmp(arguments[at], "--stacks") == 0) {
            options.stacks = true;
        } else {
            fp_cli_say("explain: unknown option %s", arguments[at]);
            return FP_EXIT_USAGE;
        }
    }
    if (at + 1 != count) {
        fp_cli_say(
            "explain: want one PID or log (forkpolicy explain [--json] [--stacks] PID | LOG[:N])");
        return FP_EXIT_USAGE;
    }
    size_t length = strlen(arguments[at]);
    bool is_pid = length && strspn(arguments[at], "0123456789") == length;
    return is_pid ? explain_process(arguments[at], &options) : explain_log(arguments[at]);
}
