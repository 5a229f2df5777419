/*
 * `forkpolicy runtimes`: what is known of runtimes in forked children, and from which runs. See
 * cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/base/say.h"
#include "cli/cli.h"
#include "cli/runtimes/runs.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_NONE = 1 };

void fp_runtimes_help(void)
{
    printf("\noptions of runtimes, which says what is known of all runtimes, or of those whose name\n"
           "or package is NAME (a glob):\n");
#define FP_RUNTIMES_OPTION(field, name, argument, help) \
    printf("  %-8s %-15s %s\n", name, argument, help);
#include "cli/runtimes.def"
#undef FP_RUNTIMES_OPTION
    printf("exit status of runtimes: 0; 1 nothing has that name; 2 usage\n");
}

/* One line: the class at the newest version, and the packages that were run. */
static void print_line(const struct fp_known *known)
{
    struct fp_slice name = fp_known_name(&fp_known_policy, known);
    const char *before = "";
    printf("%-24.*s %-9s", FP_SLICE(name), fp_class_name(fp_class_at(known, FP_NEWEST)));
    for (const struct fp_run *run = NULL; (run = fp_run_of(known, run));) {
        if (strcmp(run->package, before) != 0)
            printf(" %s %s", run->package, run->version);
        before = run->package;
    }
    putchar('\n');
}

static void print_values(const struct fp_known *known, enum fp_word word, const char *label)
{
    struct fp_slice value;
    for (size_t nth = 0; (value = fp_known_value(&fp_known_policy, known, word, nth)).length; nth++)
        printf("  %-8s %.*s\n", label, FP_SLICE(value));
}

static void print_all(const struct fp_known *known)
{
    struct fp_slice name = fp_known_name(&fp_known_policy, known);
    printf("%.*s\n", FP_SLICE(name));
    print_values(known, FP_WORD_CLASS, "class");
    print_values(known, FP_WORD_KIND, "kind");
    print_values(known, FP_WORD_CARRIED, "carried");
    for (const struct fp_run *run = NULL; (run = fp_run_of(known, run));)
        printf("  %-8s %s%s%s on %s: %s: %s; warn: %s\n", "run", run->package,
               *run->package ? " " : "Python ", run->version, run->date, run->child, run->outcome,
               run->told);
    print_values(known, FP_WORD_REMEDY, "do");
    print_values(known, FP_WORD_ADVICE, "do");
    print_values(known, FP_WORD_SOURCE, "source");
}

int fp_cli_runtimes(int count, char **arguments)
{
    const char *pattern = NULL;
    bool as_json = false, any = false;
    for (int i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0) {
            as_json = true;
        } else if (arguments[i][0] == '-' || pattern) {
            fp_cli_say("runtimes takes --json and one name, not \"%s\"", arguments[i]);
            return FP_EXIT_USAGE;
        } else {
            pattern = arguments[i];
        }
    }
    const struct fp_known *known;
    for (size_t index = 0; fp_next_runtime(pattern, &index, &known); any = true) {
        if (as_json)
            fp_runtime_print_json(known);
        else if (pattern)
            print_all(known);
        else
            print_line(known);
    }
    if (!any)
        fp_cli_say("no runtime or package \"%s\" is known: forkpolicy runtimes lists them",
                   pattern);
    return any ? 0 : EXIT_NONE;
}
