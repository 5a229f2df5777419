/* See cli.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/base/say.h"
#include "cli/cli.h"

#include "common/version.h"
#include "policy/model.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *arguments, *help;
    int (*run)(int count, char **arguments);
} VERBS[] = {
#define FP_VERB(own, name, arguments, help) {name, arguments, help, fp_cli_##own},
#include "cli/verbs.def"
#undef FP_VERB
};

enum { VERB_COUNT = sizeof VERBS / sizeof *VERBS };

static void print_version(void)
{
    if (*fp_commit)
        printf("forkpolicy %s (commit %s)\n", FP_VERSION, fp_commit);
    else
        printf("forkpolicy %s\n", FP_VERSION);
}

static void print_usage(FILE *stream)
{
    fputs("usage:\n", stream);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(stream, "  forkpolicy %s%s%s\n", VERBS[i].name, *VERBS[i].arguments ? " " : "",
                VERBS[i].arguments);
}

/* Breaks lines at blanks. */
static void print_wrapped(int indent, const char *text)
{
    const size_t room = 96 - (size_t)indent;
    while (*text) {
        size_t length = strlen(text);
        if (length > room)
            for (length = room; length > 1 && text[length] != ' ';)
                length--;
        printf("%*s%.*s\n", indent, "", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

static void print_option_keys(void)
{
    printf("\nkeys of --options (the last entry of a key counts):\n");
#define FP_OPTION_KEY(field, key, kind, initial, allowed, help) \
    printf("  %-13s %s (default %s)\n", key, allowed, initial); \
    print_wrapped(16, help);
#include "policy/options.def"
#undef FP_OPTION_KEY
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static void print_run_options(void)
{
    printf("\noptions of run, each with the variable that it sets for the job:\n");
#define FP_OPTION(field, name, argument, is_path, variable, help)                    \
    printf("  %-13s %-10s%s%s\n", name, argument, *(variable) ? " " : "", variable); \
    print_wrapped(16, help);
#include "cli/options.def"
#undef FP_OPTION
    print_option_keys();
    printf("\nactions:\n");
#define FP_ACTION(NAME, name, available, help) printf("  %-24s %s\n", name, help);
#include "policy/actions.def"
#undef FP_ACTION
    printf("\nA PATTERN is a glob on a runtime's name, its package or the path of its library, a PLACE\n"
           "FILE[:LINE] or FILE[:FUNCTION], globs on where the fork is asked for:\n"
           "  forkpolicy run --policy refuse,off:numpy,warn@tests/test_pool.py:* -- python train.py\n"
           "\nexit status of run: the job's; 70 --ci ended it; 2 usage, bad policy or options;\n"
           "69 the shim would not be loaded; 126 COMMAND cannot be run; 127 it is not found\n");
}

static void print_verb(size_t which)
{
    printf("  forkpolicy %s %s\n", VERBS[which].name, VERBS[which].arguments);
    print_wrapped(6, VERBS[which].help);
}

static int print_help(void)
{
    printf("forkpolicy %s: says which libraries a forked child loses, before it hangs\n\n",
           FP_VERSION);
    for (size_t i = 0; i < VERB_COUNT; i++)
        print_verb(i);
    print_run_options();
    fp_explain_help();
    fp_report_help();
    fp_loader_stats_help();
    fp_runtimes_help();
    return 0;
}

static int print_help_of(size_t which)
{
    print_verb(which);
    if (VERBS[which].run == fp_cli_run)
        print_run_options();
    if (VERBS[which].run == fp_cli_explain)
        fp_explain_help();
    if (VERBS[which].run == fp_cli_report)
        fp_report_help();
    if (VERBS[which].run == fp_cli_loader_stats)
        fp_loader_stats_help();
    if (VERBS[which].run == fp_cli_runtimes)
        fp_runtimes_help();
    return 0;
}

int main(int count, char **arguments)
{
    const char *verb = count > 1 ? arguments[1] : "";
    if (strcmp(verb, "help") == 0 || is_help(verb))
        return print_help();
    if (strcmp(verb, "--version") == 0) {
        print_version();
        return 0;
    }
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verb, VERBS[i].name) != 0)
            continue;
        if (count > 2 && is_help(arguments[2]))
            return print_help_of(i);
        return VERBS[i].run(count - 2, arguments + 2);
    }
    if (*verb)
        fp_cli_say("unknown verb \"%s\"", verb);
    print_usage(stderr);
    fputs("try: forkpolicy --help\n", stderr);
    return FP_EXIT_USAGE;
}
