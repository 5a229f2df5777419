/* See picture.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/picture.h"

#include "cli/explain/handlers.h"
#include "policy/hang_message.h"
#include "policy/phrases.h"
#include "policy/record.h"
#include "policy/reset_event.h"

#include <time.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 16 * 1024 };

/* "deltalake 0.18.2", "ThreadPoolExecutor (python 3.11)" */
static const char *name_of(const struct fp_runtime *runtime)
{
    static char name[200];
    struct fp_text text = FP_TEXT(name);
    fp_add_runtime_name(&text, runtime);
    return name;
}

static void print_row(FILE *stream, const struct fp_seen_runtime *child,
                      const struct fp_seen_runtime *parent)
{
    const struct fp_runtime *runtime = parent ? &parent->runtime : &child->runtime;
    fprintf(stream, "forkpolicy:     %6u %6u  %s: %s\n", child ? child->runtime.threads : 0,
            parent ? parent->runtime.threads : 0, name_of(runtime), runtime->names);
}

static void print_runtimes(FILE *stream, const struct fp_picture *picture)
{
    const struct fp_tree_process *process = &picture->view.process;
    const struct fp_seen *child = &picture->seen, *parent = &picture->at_fork;
    fprintf(stream, "forkpolicy:   threads of pid %d, and of its parent %d:\n", (int)process->pid,
            (int)process->parent);
    fprintf(stream, "forkpolicy:     %6s %6s\n", "child", "parent");
    for (size_t i = 0; i < parent->count; i++)
        print_row(stream, fp_seen_find(child, &parent->runtimes[i].runtime.facts),
                  &parent->runtimes[i]);
    for (size_t i = 0; i < child->count; i++)
        if (!fp_seen_find(parent, &child->runtimes[i].runtime.facts))
            print_row(stream, &child->runtimes[i], NULL);
}

static void print_stack(FILE *stream, const struct fp_stack *stack)
{
    for (size_t i = 0; i < stack->python_count; i++)
        fprintf(stream, "forkpolicy:       python  %s:%d in %s\n", stack->python[i].file,
                stack->python[i].line, stack->python[i].function);
    for (size_t i = 0; i < stack->native_count; i++)
        fprintf(stream, "forkpolicy:       native  %s %s+0x%lx\n",
                *stack->native[i].dso ? stack->native[i].dso : "?", stack->native[i].symbol,
                stack->native[i].offset);
}

static void print_threads(FILE *stream, const struct fp_picture *picture, bool stacks)
{
    for (size_t i = 0; i < picture->view.task_count; i++) {
        const struct fp_task *task = &picture->view.tasks[i];
        const struct fp_stack *stack = fp_stacks_of(&picture->stacks, task->tid);
        fprintf(stream, "forkpolicy:     thread %d %s: %s\n", (int)task->tid,
                stack && *stack->python_name ? stack->python_name : task->name,
                fp_task_call(&picture->view, task));
        if (stacks && stack)
            print_stack(stream, stack);
    }
}

static void print_message(FILE *stream, const struct fp_hang *hang)
{
    static char message[MESSAGE_SIZE];
    struct fp_text text = FP_TEXT(message);
    fp_message_hang(&text, hang);
    fputs(message, stream);
}

const char *fp_picture_handler(const struct fp_picture *picture)
{
    const char *handler = NULL;
    for (size_t i = 0; i < picture->stacks.count && !handler; i++)
        handler = fp_handler_of_fork(&picture->stacks.stacks[i]);
    return handler;
}

static struct fp_event_header header_of(const struct fp_picture *picture, const char *event)
{
    static char host[65];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    gethostname(host, sizeof host - 1);
    return (struct fp_event_header){.event = event,
                                    .seconds = now.tv_sec,
                                    .nanoseconds = now.tv_nsec,
                                    .pid = picture->view.process.pid,
                                    .parent = picture->view.process.parent,
                                    .host = host};
}

static void print_records(FILE *stream, const struct fp_picture *picture, const char *handler)
{
    char record[FP_EVENT_MAX + 1];
    struct fp_text text = {.data = record, .size = sizeof record};
    struct fp_event_header header = header_of(picture, "hang");
    if (picture->finding.hang.opinion.grade != FP_GRADE_NONE) {
        fp_event_hang(&text, &header, &picture->finding.hang);
        fputs(record, stream);
    }
    if (handler) {
        header.event = "handler";
        fp_event_handler(&text, &header, handler, "fork", 0, "it holds up the fork");
        fputs(record, stream);
    }
}

void fp_picture_print_no_hang(FILE *stream, const struct fp_picture *picture)
{
    char record[FP_EVENT_MAX + 1];
    struct fp_text text = {.data = record, .size = sizeof record};
    struct fp_event_header header = header_of(picture, "healthy");
    fp_record_header(&text, &header);
    fp_record_string(&text, "verdict", fp_slice_of(fp_grade_name(FP_GRADE_NONE)));
    fp_text_format(&text, ",\"forked\":%s", picture->view.process.forked ? "true" : "false");
    fp_record_end(&text);
    fputs(record, stream);
}

static void print_deadlock_record(FILE *stream, const struct fp_picture *picture,
                                  const struct fp_waits *waits)
{
    char record[FP_EVENT_MAX + 2 * sizeof waits->lines];
    struct fp_text text = {.data = record, .size = sizeof record};
    struct fp_event_header header = header_of(picture, "deadlock");
    fp_record_header(&text, &header);
    fp_record_string(&text, "verdict", fp_slice_of(fp_grade_name(FP_GRADE_PROVEN)));
    fp_record_string(&text, "what", fp_slice_of(waits->what));
    fp_record_optional(&text, "fix", fp_slice_of(waits->fix ? waits->fix : ""));
    fp_text_format(&text, ",\"waits\":[");
    for (size_t i = 0; i < waits->count; i++) {
        fp_text_format(&text, i ? "," : "");
        fp_text_json(&text, fp_slice_of(waits->lines[i]));
    }
    fp_text_format(&text, "]");
    fp_record_end(&text);
    fputs(record, stream);
}

void fp_picture_print_deadlock(FILE *stream, const struct fp_picture *picture,
                               const struct fp_waits *waits,
                               const struct fp_explain_options *options)
{
    if (options->json) {
        print_deadlock_record(stream, picture, waits);
        return;
    }
    fprintf(stream, "forkpolicy: %s\n", waits->what);
    for (size_t i = 0; i < waits->count; i++)
        fprintf(stream, "forkpolicy:   %s\n", waits->lines[i]);
    if (waits->omitted)
        fprintf(stream, "forkpolicy:   and     %zu more threads\n", waits->omitted);
    if (waits->fix)
        fprintf(stream, "forkpolicy:   fix     %s\n", waits->fix);
}

static void print_head(FILE *stream, const struct fp_picture *picture)
{
    const struct fp_tree_process *process = &picture->view.process;
    fprintf(stream, "forkpolicy: pid %d (%s) ", (int)process->pid, picture->view.program);
    if (process->state == 'T' || process->state == 't')
        fprintf(stream, "is stopped%s\n", process->state == 't' ? " by a debugger" : "");
    else if (!process->forked)
        fprintf(stream, "does not hang because of a fork: it lost no threads in one\n");
    else if (picture->finding.hang.opinion.grade != FP_GRADE_NONE)
        fprintf(stream, "is a forked child; its report is above\n");
    else
        fprintf(stream, "is a forked child; no sign of a hang because of the fork\n");
}

static void print_handler(FILE *stream, const char *handler)
{
    struct fp_package package;
    fp_package_find(handler, &package);
    fprintf(stream, "forkpolicy:   held up in fork(), by a handler for forks of %s%s%s%s%s%s\n",
            handler, *package.name ? " (" : "", package.name, *package.name ? " " : "",
            package.version, *package.name ? ")" : "");
}

static void print_gaps(FILE *stream, const struct fp_picture *picture,
                       const struct fp_explain_options *options)
{
    if (!picture->view.may_trace)
        fprintf(stream, "forkpolicy:   missing its waits: no permission to trace this process\n");
    if (*picture->stacks.problem)
        fprintf(stream, "forkpolicy:   missing %s\n", picture->stacks.problem);
    if (picture->view.has_shim && !options->brief)
        fprintf(stream, "forkpolicy:   shim    is loaded; its log (FORKPOLICY_LOG) has more\n");
}

void fp_picture_print(FILE *stream, const struct fp_picture *picture,
                      const struct fp_explain_options *options)
{
    bool hangs = picture->finding.hang.opinion.grade != FP_GRADE_NONE;
    const char *handler = fp_picture_handler(picture);
    if (options->json) {
        print_records(stream, picture, handler);
        return;
    }
    if (hangs && !options->brief)
        print_message(stream, &picture->finding.hang);
    else
        print_head(stream, picture);
    if (handler)
        print_handler(stream, handler);
    print_gaps(stream, picture, options);
    if (picture->has_parent)
        print_runtimes(stream, picture);
    print_threads(stream, picture, options->stacks);
}
