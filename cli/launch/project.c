/* See project.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/launch/project.h"

#include "cli/base/say.h"
#include "cli/launch/toml.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { LIST, PATH, NUMBER, FLAG };

static const struct {
    const char *key;
    enum kind kind;
    size_t field;
} KEYS[] = {
#define FP_PROJECT_KEY(field, key, kind, option, help) \
    {key, kind, offsetof(struct fp_project, field)},
#include "cli/launch/project.def"
#undef FP_PROJECT_KEY
};

static const char KEYS_LISTED[] =
#define FP_PROJECT_KEY(field, key, kind, option, help) ", " key
#include "cli/launch/project.def"
#undef FP_PROJECT_KEY
    ;

enum { KEY_COUNT = sizeof KEYS / sizeof *KEYS, FILE_MAX = 1024 * 1024 };

struct reading {
    struct fp_project *project;
    struct fp_problem *problem;
    const char *folder;
};

static const char *wanted(enum kind kind)
{
    static const char *const WORDS[] = {[LIST] = "a string or an array of strings",
                                        [PATH] = "a string",
                                        [NUMBER] = "a number",
                                        [FLAG] = "true or false"};
    return WORDS[kind];
}

static bool fits(enum kind kind, enum fp_toml_kind given)
{
    return kind == LIST     ? given == FP_TOML_STRING || given == FP_TOML_ARRAY
           : kind == PATH   ? given == FP_TOML_STRING
           : kind == NUMBER ? given == FP_TOML_NUMBER
                            : given == FP_TOML_FLAG;
}

static char *copy(const struct reading *reading, enum kind kind, struct fp_slice value)
{
    char *result = NULL;
    bool is_relative = kind == PATH && value.length && value.text[0] != '/';
    if (asprintf(&result, "%s%s%.*s", is_relative ? reading->folder : "", is_relative ? "/" : "",
                 FP_SLICE(value)) < 0)
        return NULL;
    return result;
}

static void take(struct fp_slice key, enum fp_toml_kind given, struct fp_slice value, unsigned line,
                 unsigned column, void *context)
{
    struct reading *reading = context;
    char shown[80];
    struct fp_text quoted = FP_TEXT(shown);
    fp_text_reset(&quoted);
    fp_text_quote(&quoted, key, 32);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const char **field = (const char **)(void *)((char *)reading->project + KEYS[i].field);
        if (!fp_slice_is(key, KEYS[i].key))
            continue;
        if (*field)
            fp_problem_note(reading->problem, line, column, "\"%s\" stands here twice", shown);
        else if (!fits(KEYS[i].kind, given))
            fp_problem_note(reading->problem, line, column, "\"%s\" is to be %s", shown,
                            wanted(KEYS[i].kind));
        else if (KEYS[i].kind != FLAG || fp_slice_is(value, "true"))
            *field = copy(reading, KEYS[i].kind, value);
        return;
    }
    fp_problem_note(reading->problem, line, column, "unknown key \"%s\" (known: %s)", shown,
                    KEYS_LISTED + 2);
}

/* The whole file; NULL where it is not there, or cannot be read. Malloced. */
static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(FILE_MAX) : NULL;
    *length = text ? fread(text, 1, FILE_MAX, file) : 0;
    if (file)
        fclose(file);
    return text;
}

/* True where the search is over: the table was found, or something is wrong. */
static bool read_project(struct reading *reading, const char *path)
{
    size_t length;
    char *text = read_file(path, &length);
    bool found = text && memmem(text, length, "forkpolicy", strlen("forkpolicy")) &&
                 fp_toml_read((struct fp_slice){text, length}, "forkpolicy", take, reading,
                              reading->problem);
    free(text);
    return found || reading->problem->count;
}

bool fp_project_read(struct fp_project *project)
{
    static char folder[PATH_MAX], path[PATH_MAX + sizeof "/pyproject.toml"];
    struct fp_problem problem = {0};
    struct reading reading = {project, &problem, folder};
    *project = (struct fp_project){0};
    if (!getcwd(folder, sizeof folder) || folder[0] != '/')
        return true;
    for (;;) {
        if (strcmp(folder, "/") == 0)
            folder[0] = '\0';
        snprintf(path, sizeof path, "%s/pyproject.toml", folder);
        if (read_project(&reading, path))
            break;
        char *slash = strrchr(folder, '/');
        if (!slash)
            return true;
        *slash = '\0';
    }
    project->file = path;
    if (problem.count) {
        char line[800];
        struct fp_text text = FP_TEXT(line);
        fp_text_reset(&text);
        fp_problem_of_file(&text, path, &problem);
        fp_cli_say("%s", line);
    }
    return !problem.count;
}
