/*
 * `check FILE.txt`: what the packages of a requirements file do in a forked child, as far as the
 * table knows. What pip reads is read as far as a name and a version go: options and environment
 * markers are passed over, a line that names packages in another way is told. See runs.h.
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
    unsigned packages, known, bad, unreadable;
};

struct reader {
    char *line, *part;
    size_t part_size;
    unsigned number, more; /* of the line's first one; of those that it is made of */
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

/* Where a version ends. */
static size_t version_length(const char *text)
{
    return strcspn(text, " \t,;#()\r\n\\");
}

/* "==1.2.3", "<2,>=1": the newest version that fits; a lower bound alone leaves the newest of all.
   False where it is nothing that pip would take. */
static bool read_version(const char *text, char version[static VERSION_MOST])
{
    static const char *const SIGNS[] = {"===", "==", "~=", "!=", "<=", ">=", "<", ">"};
    bool is_next = true;
    snprintf(version, VERSION_MOST, "%s", FP_NEWEST);
    for (const char *at = text; *(at += strspn(at, " \t()\r\n"));) {
        size_t nth = 0, count = sizeof SIGNS / sizeof *SIGNS;
        while (nth < count && strncmp(at, SIGNS[nth], strlen(SIGNS[nth])) != 0)
            nth++;
        if (nth == count || !is_next)
            return at != text && strncmp(at, "--", 2) == 0 && is_next == false;
        const char *sign = SIGNS[nth];
        at += strlen(sign);
        at += strspn(at, " \t");
        size_t length = version_length(at);
        if (!length || length >= VERSION_MOST)
            return false;
        if (*sign == '<' || *sign == '=' || *sign == '~') {
            snprintf(version, VERSION_MOST, "%.*s", (int)length, at);
            if (strcmp(sign, "<") == 0)
                step_below(version);
        }
        at += length + strspn(at + length, " \t");
        is_next = *at == ',';
        at += is_next;
    }
    return !is_next || !*text;
}

enum kind { NO_PACKAGE, PACKAGE, UNREADABLE };

/* Of a package's file, not its name: "dist/one-1.0.whl". */
static bool is_file(struct fp_slice name)
{
    static const char *const ENDS[] = {".whl", ".gz", ".zip", ".bz2", ".txt"};
    for (size_t i = 0; i < sizeof ENDS / sizeof *ENDS; i++) {
        size_t length = strlen(ENDS[i]);
        if (name.length > length &&
            memcmp(name.text + name.length - length, ENDS[i], length) == 0)
            return true;
    }
    return false;
}

/* An option of pip's own: --index-url; but not one that names packages: -r, -e. */
static enum kind kind_of_option(const char *option)
{
    bool names = strncmp(option, "-r", 2) == 0 || strncmp(option, "-e", 2) == 0 ||
                 strncmp(option, "--req", 5) == 0 || strncmp(option, "--edit", 6) == 0;
    return names ? UNREADABLE : NO_PACKAGE;
}

/* `line` is without its comment. */
static enum kind read_requirement(const char *line, struct requirement *found)
{
    const char *at = line + strspn(line, " \t\r\n");
    if (!*at)
        return NO_PACKAGE;
    if (*at == '-')
        return kind_of_option(at);
    if (!isalnum((unsigned char)*at))
        return UNREADABLE;
    found->text = fp_slice_trim((struct fp_slice){at, strcspn(at, ";\r\n")});
    found->name = (struct fp_slice){at, 0};
    while (is_name(*at))
        at++;
    found->name.length = (size_t)(at - found->name.text);
    at += strspn(at, " \t");
    if (*at == '[')
        at += strcspn(at, "]") + (strchr(at, ']') != NULL);
    at += strspn(at, " \t");
    if (is_file(found->name))
        return UNREADABLE;
    char specifiers[512];
    snprintf(specifiers, sizeof specifiers, "%.*s", *at == '@' ? 0 : (int)strcspn(at, ";\r\n"), at);
    return read_version(specifiers, found->version) ? PACKAGE : UNREADABLE;
}

/* A '#' at the start of a line or behind a blank begins one. */
static void cut_comment(char *line)
{
    for (char *at = line; (at = strchr(at, '#')); at++) {
        if (at == line || at[-1] == ' ' || at[-1] == '\t') {
            *at = '\0';
            return;
        }
    }
}

/* A line and those that go on with it, behind a backslash; false at the end. `number`: of the first
   one. */
static bool next_line(FILE *file, struct reader *reader)
{
    ssize_t length, all = 0;
    reader->number += reader->more;
    reader->more = 0;
    while ((length = getline(&reader->part, &reader->part_size, file)) > 0) {
        reader->more++;
        char *whole = realloc(reader->line, (size_t)(all + length) + 1);
        if (!whole)
            return false;
        reader->line = whole;
        memcpy(whole + all, reader->part, (size_t)length + 1);
        all += length;
        while (all && strchr("\r\n", whole[all - 1]))
            whole[--all] = '\0';
        if (!all || whole[all - 1] != '\\')
            return true;
        whole[all - 1] = ' ';
    }
    return all > 0;
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

static void check_line(const char *path, const struct reader *reader, struct tally *tally)
{
    static const char MARK[] = "\xef\xbb\xbf"; /* UTF-8's, of some editors */
    struct requirement wanted;
    char *line = reader->line, shown[200];
    if (reader->number == 1 && strncmp(line, MARK, strlen(MARK)) == 0)
        line += strlen(MARK);
    cut_comment(line);
    switch (read_requirement(line, &wanted)) {
    case PACKAGE:
        check_requirement(&wanted, tally);
        break;
    case UNREADABLE: {
        struct fp_text text = FP_TEXT(shown);
        fp_text_quote(&text, fp_slice_trim(fp_slice_of(line)), sizeof shown - 1);
        fp_cli_say("%s:%u: not read: %s", path, reader->number, shown);
        tally->unreadable++;
        break;
    }
    case NO_PACKAGE:
        break;
    }
}

int fp_check_requirements(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        fp_cli_say("%s: %s", path, strerror(errno));
        return FP_EXIT_USAGE;
    }
    struct tally tally = {0};
    struct reader reader = {.number = 1};
    while (next_line(file, &reader))
        check_line(path, &reader, &tally);
    free(reader.line);
    free(reader.part);
    (void)fclose(file);
    if (!tally.packages) {
        fp_cli_say("%s: no line of it names a package", path);
        return FP_EXIT_USAGE;
    }
    printf("%u package%s: %u in the table, %u of them not for a forked child that uses what its "
           "parent has used",
           tally.packages, tally.packages == 1 ? "" : "s", tally.known, tally.bad);
    if (tally.unreadable)
        printf("; %u line%s not read", tally.unreadable, tally.unreadable == 1 ? "" : "s");
    printf("\n");
    return tally.bad ? EXIT_NOT_ALL : 0;
}
