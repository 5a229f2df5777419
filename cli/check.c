/*
 * `forkpolicy check`: starts a program up to its main, with the shim in it, and prints what the
 * shim found there. See cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/base/say.h"
#include "cli/cli.h"
#include "cli/launch/launch.h"
#include "cli/launch/project.h"
#include "cli/launch/settings.h"
#include "cli/runtimes/runs.h"
#include "policy/rules.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int start_to_main(const char *program)
{
    char pid[16], *preload = fp_cli_preload(false);
    pid_t child = preload ? fork() : -1;
    if (child == 0) {
        snprintf(pid, sizeof pid, "%d", (int)getpid());
        setenv("FORKPOLICY_CHECK", pid, 1);
        fp_cli_set_preload(preload);
        execl(program, program, (char *)NULL);
        _exit(FP_EXIT_NOT_RUNNABLE);
    }
    int status;
    free(preload);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return FP_EXIT_NOT_RUNNABLE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A file of requirements is told from a program by its name, as pip's users write it. */
static bool is_text(const char *path)
{
    size_t length = strlen(path);
    return length > 4 && strcmp(path + length - 4, ".txt") == 0;
}

/* What pyproject.toml says, for people; nothing where it says nothing. */
static void print_project(const struct fp_project *project)
{
    if (!project->file)
        return;
    printf("project    %s\n", project->file);
#define FP_PROJECT_KEY(field, key, kind, option, help) \
    if (project->field)                                \
        printf("           %s = %s\n", key, project->field);
#include "cli/launch/project.def"
#undef FP_PROJECT_KEY
}

static void print_member(const char *key, const char *value)
{
    static char line[FP_POLICY_STRING_MAX * 2];
    struct fp_text text = FP_TEXT(line);
    fp_text_reset(&text);
    fp_text_json(&text, fp_slice_of(value));
    printf("\"%s\": %s", key, line);
}

/* The same as JSON, for the pytest plugin. */
static int print_project_as_json(const struct fp_project *project)
{
    printf("{");
    print_member("file", project->file ? project->file : "");
#define FP_PROJECT_KEY(field, key, kind, option, help) \
    if (project->field) {                              \
        printf(", ");                                  \
        print_member(key, project->field);             \
    }
#include "cli/launch/project.def"
#undef FP_PROJECT_KEY
    printf("}\n");
    return 0;
}

static bool is_project_good(const struct fp_project *project)
{
    char subject[PATH_MAX + 64];
    snprintf(subject, sizeof subject, "%s: policy", project->file ? project->file : "");
    return fp_settings_policy(project->policy, subject);
}

int fp_cli_check(int count, char **arguments)
{
    struct fp_project project;
    char *program;
    if (count == 2 && strcmp(arguments[0], "--policy") == 0)
        return fp_settings_policy(arguments[1], "--policy") ? 0 : FP_EXIT_USAGE;
    if (!fp_project_read(&project) || !is_project_good(&project))
        return FP_EXIT_USAGE;
    if (count == 1 && strcmp(arguments[0], "--project") == 0)
        return print_project_as_json(&project);
    if (count > 1) {
        fp_cli_say(
            "check takes one program, which is started up to its main, without arguments, or "
            "one requirements file");
        return FP_EXIT_USAGE;
    }
    if (count && is_text(arguments[0]))
        return fp_check_requirements(arguments[0]);
    int status = fp_cli_find(count ? arguments[0] : "python3", &program);
    if (status)
        return status;
    char *behind = fp_cli_python_behind(program);
    if (behind)
        printf("script     %s\n", program);
    program = behind ? behind : program;
    status = fp_cli_prove(program);
    if (status)
        return status;
    printf("program    %s%s\n", program,
           fp_cli_is_script(program) ? " (a script; what follows is its interpreter)" : "");
    printf("preload    %s\n", fp_cli_library());
    print_project(&project);
    fflush(stdout);
    return start_to_main(program);
}
