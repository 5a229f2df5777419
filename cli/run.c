/*
 * `forkpolicy run`: a policy that holds, a preload that takes, then the command in our place, so
 * that its status, signals and terminal are its own; with --ci below us. See cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/base/say.h"
#include "cli/ci/ci.h"
#include "cli/cli.h"
#include "cli/launch/launch.h"
#include "cli/launch/project.h"
#include "cli/launch/settings.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
#define FP_OPTION(field, name, argument, is_path, variable, help) const char *field;
#include "cli/options.def"
#undef FP_OPTION
};

static const struct {
    const char *name, *argument, *variable;
    size_t field;
    bool is_path;
} OPTIONS[] = {
#define FP_OPTION(field, name, argument, is_path, variable, help) \
    {name, argument, variable, offsetof(struct options, field), is_path},
#include "cli/options.def"
#undef FP_OPTION
};

enum { OPTION_COUNT = sizeof OPTIONS / sizeof *OPTIONS };

/* "--name value", "--name=value", or a switch; the number of arguments taken, 0 = not this one. */
static int take_option(struct options *options, size_t which, int count, char **arguments)
{
    size_t length = strlen(OPTIONS[which].name);
    if (strncmp(arguments[0], OPTIONS[which].name, length) != 0)
        return 0;
    const char **field = (const char **)(void *)((char *)options + OPTIONS[which].field);
    if (!*OPTIONS[which].argument) {
        if (arguments[0][length])
            return 0; /* a longer name */
        *field = OPTIONS[which].name;
        return 1;
    }
    if (arguments[0][length] == '=') {
        *field = arguments[0] + length + 1;
        return 1;
    }
    if (arguments[0][length] || count < 2)
        return 0;
    *field = arguments[1];
    return 2;
}

static void say_unknown(const char *argument)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(argument, OPTIONS[i].name) == 0) {
            fp_cli_say("run: %s needs its argument, %s", argument, OPTIONS[i].argument);
            return;
        }
    fp_cli_say("run: unknown option: %s", argument);
}

/* The index of the command, or -1 and said. */
static int parse(struct options *options, int count, char **arguments)
{
    int at = 0;
    while (at < count && arguments[at][0] == '-') {
        if (strcmp(arguments[at], "--") == 0) {
            at++;
            break;
        }
        int taken = 0;
        for (size_t i = 0; i < OPTION_COUNT && !taken; i++)
            taken = take_option(options, i, count - at, arguments + at);
        if (!taken) {
            say_unknown(arguments[at]);
            return -1;
        }
        at += taken;
    }
    if (at == count) {
        fp_cli_say("run: which command? (forkpolicy run [OPTION...] -- COMMAND [ARGUMENT...])");
        return -1;
    }
    return at;
}

/* A file of that name may be written, or made in its folder. */
static bool is_log_good(const char *log)
{
    char folder[PATH_MAX];
    const char *end = log ? strrchr(log, '/') : NULL;
    int length = end ? (int)(end - log) + 1 : 0;
    snprintf(folder, sizeof folder, "%.*s", length ? length : 1, length ? log : ".");
    if (!log || access(log, W_OK) == 0 || (errno == ENOENT && access(folder, W_OK | X_OK) == 0))
        return true;
    fp_cli_say("run: --log %s: %s", log, strerror(errno));
    return false;
}

/* Whether the environment has the variable of an option. */
static bool is_set(const char *name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strcmp(name, OPTIONS[i].name) == 0 && *OPTIONS[i].variable) {
            const char *value = getenv(OPTIONS[i].variable);
            return value && *value;
        }
    return false;
}

/* What neither an argument nor a variable says; without --ci only what is for any job. */
static void take_project(struct options *given, struct fp_project project)
{
    if (!given->ci)
        project.timeout = project.ci_report = project.keep_status = NULL;
#define FP_PROJECT_KEY(field, key, kind, option, help) \
    if (!given->field && !is_set(option))              \
        given->field = project.field;
#include "cli/launch/project.def"
#undef FP_PROJECT_KEY
}

/* An argument takes the place of its variable, which the job then does not get to see. */
static bool are_settings_good(const struct options *given, const struct fp_project *project)
{
    char policy[PATH_MAX + 64], options[PATH_MAX + 64];
    snprintf(policy, sizeof policy, "%s: policy", project->file ? project->file : "");
    snprintf(options, sizeof options, "%s: options", project->file ? project->file : "");
    return fp_settings_policy(given->policy ? given->policy : getenv("FORKPOLICY"),
                              !given->policy                     ? "FORKPOLICY"
                              : given->policy == project->policy ? policy
                                                                 : "--policy") &&
           fp_settings_file(given->policy_file ? given->policy_file : getenv("FORKPOLICY_FILE")) &&
           fp_settings_options(given->shim_options ? given->shim_options
                                                   : getenv("FORKPOLICY_OPTIONS"),
                               !given->shim_options                           ? "FORKPOLICY_OPTIONS"
                               : given->shim_options == project->shim_options ? options
                                                                              : "--options") &&
           fp_settings_amplify(given->amplify) && is_log_good(given->log);
}

/* What the shim wants absolute, because the job may change its directory. */
static char *absolute(const char *path)
{
    char here[PATH_MAX], *result = NULL;
    if (path[0] == '/' || !getcwd(here, sizeof here))
        return strdup(path);
    if (asprintf(&result, "%s/%s", strcmp(here, "/") ? here : "", path) < 0)
        return NULL;
    return result;
}

static void set_environment(const struct options *options, char *preload)
{
    char pid[16];
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *value =
            *(const char *const *)(const void *)((const char *)options + OPTIONS[i].field);
        if (value && *OPTIONS[i].variable) {
            char *whole = OPTIONS[i].is_path && *value ? absolute(value) : strdup(value);
            setenv(OPTIONS[i].variable, whole ? whole : value, 1);
            free(whole);
        }
    }
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("FORKPOLICY_RUN", pid, 1); /* for the `start` record of this process alone */
    fp_cli_set_preload(preload);
}

int fp_cli_run(int count, char **arguments)
{
    struct options options = {0};
    struct fp_project project;
    char *program;
    int at = parse(&options, count, arguments);
    if (at < 0)
        return FP_EXIT_USAGE;
    if (!options.ci && (options.timeout || options.ci_report || options.keep_status)) {
        fp_cli_say("run: %s needs --ci", options.timeout     ? "--timeout"
                                         : options.ci_report ? "--ci-report"
                                                             : "--keep-status");
        return FP_EXIT_USAGE;
    }
    if (!fp_project_read(&project))
        return FP_EXIT_USAGE;
    take_project(&options, project);
    if (!are_settings_good(&options, &project))
        return FP_EXIT_USAGE;
    int status = fp_cli_find(arguments[at], &program);
    if (!status)
        status = fp_cli_prove(program);
    if (status)
        return status;
    set_environment(&options, fp_cli_preload(options.amplify));
    if (options.ci)
        return fp_ci_run(&(struct fp_ci_options){.report = options.ci_report,
                                                 .timeout = options.timeout,
                                                 .keeps_status = options.keep_status},
                         program, arguments + at);
    execv(program, arguments + at);
    fp_cli_say("%s: %s", program, strerror(errno));
    return FP_EXIT_NOT_RUNNABLE;
}
