/* See runtimes.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/runtimes.h"

#include "common/built.h"
#include "common/policy_read.h"
#include "policy/site.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

const struct fp_policy *fp_seen_policy(void)
{
    static struct fp_rules rules;
    static struct fp_policy policy;
    struct fp_problem problem = {0}; /* `run` and the shim say what is wrong with them */
    char reason[200];
    struct fp_text why = FP_TEXT(reason);
    if (policy.environment)
        return &policy;
    const char *string = getenv("FORKPOLICY"), *file = getenv("FORKPOLICY_FILE");
    if (string && *string)
        fp_rules_parse(&rules, fp_slice_of(string), 1, 1, &problem);
    policy = (struct fp_policy){.environment = &rules, .built_in = &fp_known_policy};
    if (file && *file)
        fp_policy_read(file, &policy.file, &problem, &why);
    return &policy;
}

/* Who starts everybody's threads, or runs them. */
static bool is_anybody(const char *dso)
{
    static const char *const GLOBS[] = {
        "libc.so*",   "libc-*.so", "libpthread*", "ld-*.so*",  "libstdc++.so*",
        "libc++.so*", "libgcc_s*", "libm.so*",    "ld-linux*", "libforkpolicy.so"};
    const char *slash = strrchr(dso, '/'), *base = slash ? slash + 1 : dso;
    for (size_t i = 0; i < sizeof GLOBS / sizeof *GLOBS; i++)
        if (fnmatch(GLOBS[i], base, 0) == 0)
            return true;
    return !*dso;
}

static const char *outermost_library(const struct fp_stack *stack)
{
    for (size_t i = stack->native_count; i-- > 0;)
        if (!is_anybody(stack->native[i].dso))
            return stack->native[i].dso;
    return "";
}

/* threading.py is where every Python thread begins. */
static const char *outermost_file(const struct fp_stack *stack)
{
    for (size_t i = stack->python_count; i-- > 0;) {
        const char *file = stack->python[i].file, *base = strrchr(file, '/');
        if (strcmp(base ? base + 1 : file, "threading.py") != 0)
            return file;
    }
    return "";
}

static bool is_same(const struct fp_facts *one, const struct fp_facts *other)
{
    return strcmp(one->file, other->file) == 0 &&
           (*one->file ||
            (strcmp(one->dso, other->dso) == 0 && strcmp(one->thread, other->thread) == 0));
}

const struct fp_seen_runtime *fp_seen_find(const struct fp_seen *seen, const struct fp_facts *facts)
{
    for (size_t i = 0; i < seen->count; i++)
        if (is_same(&seen->runtimes[i].runtime.facts, facts))
            return &seen->runtimes[i];
    return NULL;
}

static void add_name(struct fp_seen_runtime *entry, const char *name)
{
    size_t length = strlen(entry->names);
    if (strstr(entry->names, name))
        return;
    snprintf(entry->names + length, sizeof entry->names - length, "%s%s", length ? ", " : "", name);
}

static struct fp_seen_runtime *new_entry(struct fp_seen *seen, const struct fp_facts *facts)
{
    if (seen->count == FP_RUNTIMES_MAX)
        return NULL;
    struct fp_seen_runtime *entry = &seen->runtimes[seen->count++];
    *entry = (struct fp_seen_runtime){.runtime = {.facts = *facts, .started = ""}};
    snprintf(entry->file, sizeof entry->file, "%s", facts->file);
    fp_package_find(*facts->file ? facts->file : facts->dso, &entry->package);
    entry->runtime.facts.file = entry->file;
    entry->runtime.facts.package = entry->package.name;
    entry->runtime.facts.version = entry->package.version;
    entry->runtime.names = entry->names;
    entry->runtime.identity =
        fp_identify_built(fp_seen_policy(), &entry->runtime.facts,
                          *facts->file ? "" : fp_library_built_with(facts->dso));
    return entry;
}

void fp_seen_read(struct fp_seen *seen, const struct fp_view *view, const struct fp_stacks *stacks,
                  uint64_t until)
{
    *seen = (struct fp_seen){0};
    for (size_t i = 0; i < view->task_count; i++) {
        const struct fp_task *task = &view->tasks[i];
        const struct fp_stack *stack = fp_stacks_of(stacks, task->tid);
        if (task->tid == view->process.pid || !stack || task->begun > until)
            continue;
        struct fp_facts facts = {.dso = outermost_library(stack),
                                 .file = outermost_file(stack),
                                 .thread = "",
                                 .package = "",
                                 .version = ""};
        if (!*facts.dso && !*facts.file)
            facts.thread = task->name;
        struct fp_seen_runtime *entry = (struct fp_seen_runtime *)fp_seen_find(seen, &facts);
        if (!entry)
            entry = new_entry(seen, &facts);
        if (!entry) {
            seen->unknown++;
            continue;
        }
        entry->runtime.threads++;
        add_name(entry, *stack->python_name ? stack->python_name : task->name);
    }
}
