/* See lost.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/lost.h"

#include <string.h>

extern char **environ;

void fp_missing_read(struct fp_missing *missing, const struct fp_seen *seen,
                     const struct fp_seen *in_parent)
{
    missing->count = 0;
    for (size_t i = 0; in_parent && i < in_parent->count; i++) {
        const struct fp_runtime *runtime = &in_parent->runtimes[i].runtime;
        if (fp_seen_find(seen, &runtime->facts))
            continue;
        missing->runtimes[missing->count] = runtime;
        missing->judgements[missing->count++] =
            fp_judge(runtime, FP_ORIGIN_PYTHON, (const char *const *)environ);
    }
}

static bool is_on_stack(const struct fp_runtime *runtime, const struct fp_stack *stack)
{
    for (size_t i = 0; stack && i < stack->native_count; i++)
        if (!*runtime->facts.file && strcmp(stack->native[i].dso, runtime->facts.dso) == 0)
            return true;
    return false;
}

/* Who started a Python thread is not seen from outside: a library's loop looks like any other. The
   library whose Python code waits is meant then, where it lost threads of its own. */
static int find_by_package(const struct fp_lost *lost, size_t count, const struct fp_stack *stack)
{
    struct fp_package package;
    for (size_t i = 0; stack && count && i < stack->python_count; i++) {
        if (!fp_package_find(stack->python[i].file, &package))
            continue;
        for (size_t k = 0; k < count; k++)
            if (strcmp(lost[k].runtime.facts.package, package.name) == 0)
                return (int)k;
    }
    return -1;
}

static int blame(const struct fp_lost *lost, size_t count, const struct fp_stack *stack,
                 enum fp_cause *cause)
{
    const char *dsos[FP_STACK_FRAMES], *files[FP_STACK_FRAMES];
    struct fp_traces traces = {.owner = -1, .dsos = dsos, .files = files};
    for (size_t i = 0; stack && i < stack->native_count; i++)
        dsos[traces.dso_count++] = stack->native[i].dso;
    for (size_t i = 0; stack && i < stack->python_count; i++)
        files[traces.file_count++] = stack->python[i].file;
    int found = fp_blame(lost, count, &traces, cause);
    if (found < 0 && (found = find_by_package(lost, count, stack)) >= 0)
        *cause = FP_CAUSE_LINE;
    return found;
}

/* What is known to survive is meant where its own code waits: the environment that the class
   depends on may have changed since the program's start. */
struct fp_blamed fp_missing_blame(const struct fp_missing *missing, const struct fp_stack *stack)
{
    struct fp_lost lost[FP_RUNTIMES_MAX];
    size_t nths[FP_RUNTIMES_MAX], count = 0; /* in `missing` */
    struct fp_blamed blamed = {0};
    for (size_t i = 0; i < missing->count; i++) {
        const struct fp_runtime *runtime = missing->runtimes[i];
        blamed.threads += runtime->threads;
        if (missing->judgements[i].class == FP_CLASS_SURVIVES && !is_on_stack(runtime, stack))
            continue;
        nths[count] = i;
        lost[count++] = (struct fp_lost){.runtime = *runtime};
    }
    int found = blame(lost, count, stack, &blamed.cause);
    if (found >= 0) {
        blamed.runtime = missing->runtimes[nths[found]];
        blamed.judgement = missing->judgements[nths[found]];
    }
    return blamed;
}
