/*
 * `check FILE.txt`: what the packages of a requirements file do in a forked child, as far as the
 * table knows. What pip reads is read as far as a name and a version go: options, environment
 * markers and URLs are passed over. See runs.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/base/say.h"
#include "cli/runtimes/runs.h"
#include "policy/advice.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_NOT_ALL = 1, VERSION_MOST = 64 };

struct requirement {
    struct fp_slice name, text; /* the text as it was written, up to a marker or a comment */
    char version[VERSION_MOST]; /* FP_NEWEST where none is named */
};

struct tally {
    unsigned packages, known, bad;
};

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* Below 0.19 stands 0.18.99999, below 2.0 1.99999: the newest release that "<" lets in. */
static void step_below(char *version)
{
    size_t length = strlen(version);
    while (length > 2 && version[length - 1] == '0' && version[length - 2] == '.')
        version[length -= 2] = '\0';
    char *last = strrchr(version, '.');
    last = last ? last + 1 : version;
    unsigned long number = strtoul(last, NULL, 10);
    size_t room = VERSION_MOST - (size_t)(last - version);
    if (number)
        snprintf(last, room, "%lu.99999", number - 1);
}

/* "==1.2.3", "<2,>=1": the newest version that fits; a lower bound alone leaves the newest of all.
 */
static void read_version(const char *text, char version[static VERSION_MOST])
{
    snprintf(version, VERSION_MOST, "%s", FP_NEWEST);
    for (const char *at = text; *(at += strspn(at, " \t,()"));) {
        size_t sign = strspn(at, "<>=!~"), length = strspn(at + sign, " ");
        const char *number = at + sign + length;
        length = strcspn(number, " \t,;#()\r\n");
        bool binds = sign && (at[0] == '<' || at[0] == '=' || at[0] == '~');
        if (!sign)
            return;
        if (binds && length && length < VERSION_MOST) {
            snprintf(version, VERSION_MOST, "%.*s", (int)length, number);
            if (sign == 1 && at[0] == '<')
                step_below(version);
        }
        at = number + length;
    }
}

/* False for what names no package: a comment, an option, a path. */
static bool read_requirement(const char *line, struct requirement *found)
{
    const char *at = line + strspn(line, " \t");
    if (!isalnum((unsigned char)*at))
        return false;
    found->text = fp_slice_trim((struct fp_slice){at, strcspn(at, ";#\r\n")});
    found->name = (struct fp_slice){at, 0};
    while (is_name(*at))
        at++;
    found->name.length = (size_t)(at - found->name.text);
    at += strspn(at, " \t");
    if (*at == '[')
        at += strcspn(at, "]") + (strchr(at, ']') != NULL);
    at += strspn(at, " \t");
    if (*at && !strchr("<>=!~;#@(\r\n", *at))
        return false; /* a path, or nothing that pip would take */
    read_version(at, found->version);
    return true;
}

static const char *in_the_child(enum fp_class class)
{
    switch (class) {
    case FP_CLASS_LOST:
        return "the child hangs when it uses it";
    case FP_CLASS_RESET:
        return "the child hangs when it uses it, except under --policy reset";
    case FP_CLASS_REFUSES:
        return "the child gets an error when it uses it";
    default:
        return "not known";
    }
}

static bool is_about(const struct fp_known *known, const struct requirement *wanted)
{
    if (fp_same_package(wanted->name, fp_known_name(&fp_known_policy, known)))
        return true;
    for (const struct fp_run *run = NULL; (run = fp_run_of(known, run));)
        if (fp_same_package(wanted->name, fp_slice_of(run->package)))
            return true;
    return false;
}

static void say(const struct requirement *wanted, const struct fp_known *known, enum fp_class class)
{
    const struct fp_runtime runtime = {.identity = {.source = &fp_known_policy, .known = known}};
    struct fp_slice name = fp_known_name(&fp_known_policy, known), advice;
    printf("%.*s: ", FP_SLICE(wanted->text));
    if (!fp_same_package(wanted->name, name))
        printf("%.*s: ", FP_SLICE(name));
    printf("%s: %s\n", fp_class_name(class), in_the_child(class));
    for (size_t nth = 0; (advice = fp_runtime_advice(&runtime, nth)).length; nth++)
        printf("  do  %.*s\n", FP_SLICE(advice));
}

static void check_requirement(const struct requirement *wanted, struct tally *tally)
{
    bool is_known = false, is_bad = false;
    for (size_t i = 0; i < fp_known_policy.known_count; i++) {
        const struct fp_known *known = &fp_known_policy.known[i];
        if (!is_about(known, wanted))
            continue;
        enum fp_class class = fp_class_at(known, wanted->version);
        is_known = true;
        if (class != FP_CLASS_SURVIVES) {
            say(wanted, known, class);
            is_bad |= class != FP_CLASS_UNKNOWN;
        }
    }
    tally->packages++;
    tally->known += is_known;
    tally->bad += is_bad;
    if (!is_known)
        printf("%.*s: not in the table\n", FP_SLICE(wanted->name));
}

int fp_check_requirements(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        fp_cli_say("%s: %s", path, strerror(errno));
        return FP_EXIT_USAGE;
    }
    struct tally tally = {0};
    struct requirement wanted;
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, file) > 0)
        if (read_requirement(line, &wanted))
            check_requirement(&wanted, &tally);
    free(line);
    (void)fclose(file);
    if (!tally.packages) {
        fp_cli_say("%s: no line of it names a package", path);
        return FP_EXIT_USAGE;
    }
    printf("%u package%s: %u in the table, %u of them not for a forked child that uses what its "
           "parent has used\n",
           tally.packages, tally.packages == 1 ? "" : "s", tally.known, tally.bad);
    return tally.bad ? EXIT_NOT_ALL : 0;
}
