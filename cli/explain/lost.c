/*
 * What a forked child lost, by what its parent has and it has not, and which of it a wait is about.
 * See judge.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "cli/explain/judge.h"

#include <string.h>

extern char **environ;

static bool is_on_stack(const struct fp_runtime *runtime, const struct fp_stack *stack)
{
    for (size_t i = 0; stack && i < stack->native_count; i++)
        if (!*runtime->facts.file && strcmp(stack->native[i].dso, runtime->facts.dso) == 0)
            return true;
    return false;
}

/* What is known to survive is meant where its own code waits: the environment that the class
   depends on may have changed since the program's start. */
void fp_finding_lost(struct fp_finding *finding, const struct fp_stack *stack,
                     const struct fp_seen *seen, const struct fp_seen *in_parent)
{
    for (size_t i = 0; in_parent && i < in_parent->count; i++) {
        const struct fp_runtime *runtime = &in_parent->runtimes[i].runtime;
        struct fp_judgement judgement =
            fp_judge(runtime, FP_ORIGIN_PYTHON, (const char *const *)environ);
        if (fp_seen_find(seen, &runtime->facts) ||
            (judgement.class == FP_CLASS_SURVIVES && !is_on_stack(runtime, stack)))
            continue;
        finding->lost[finding->lost_count++] = (struct fp_lost){.runtime = *runtime};
        finding->hang.fork.lost_threads += runtime->threads;
    }
}

/* Who started a Python thread is not seen from outside: a library's loop looks like any other. The
   library whose Python code waits is meant then, where it lost threads of its own. */
static int blame_package(const struct fp_finding *finding, const struct fp_stack *stack)
{
    struct fp_package package;
    for (size_t i = 0; stack && i < stack->python_count; i++)
        for (size_t k = 0;
             fp_package_find(stack->python[i].file, &package) && k < finding->lost_count; k++)
            if (strcmp(finding->lost[k].runtime.facts.package, package.name) == 0)
                return (int)k;
    return -1;
}

void fp_finding_blame(struct fp_finding *finding, const struct fp_stack *stack)
{
    const char *dsos[FP_STACK_FRAMES], *files[FP_STACK_FRAMES];
    struct fp_traces traces = {.owner = -1, .dsos = dsos, .files = files};
    for (size_t i = 0; stack && i < stack->native_count; i++)
        dsos[traces.dso_count++] = stack->native[i].dso;
    for (size_t i = 0; stack && i < stack->python_count; i++)
        files[traces.file_count++] = stack->python[i].file;
    int found = fp_blame(finding->lost, finding->lost_count, &traces, &finding->hang.cause);
    if (found < 0 && (found = blame_package(finding, stack)) >= 0)
        finding->hang.cause = FP_CAUSE_LINE;
    if (found < 0)
        return;
    finding->hang.lost = &finding->lost[found].runtime;
    finding->hang.judgement =
        fp_judge(finding->hang.lost, FP_ORIGIN_PYTHON, (const char *const *)environ);
}
