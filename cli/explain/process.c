/* See process.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/process.h"

#include "cli/base/say.h"
#include "cli/explain/handlers.h"
#include "cli/explain/judge.h"
#include "cli/explain/origin.h"
#include "policy/hang_message.h"
#include "policy/phrases.h"
#include "policy/record.h"
#include "policy/reset_event.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 16 * 1024 };

/* All that is known of one process. */
struct picture {
    struct fp_view view;
    struct fp_stacks stacks;
    struct fp_seen seen;
    struct fp_seen at_fork; /* in its parent, of what is there when it is looked at */
    struct fp_finding finding;
    struct fp_cli_arena arena; /* of the fork's site */
};

struct album {
    struct picture **pictures; /* parents before children */
    size_t count;
    struct picture *above; /* the parent of the first, where that was forked */
};

static struct picture *take_picture(pid_t pid, bool says)
{
    char why[256];
    struct picture *picture = calloc(1, sizeof *picture);
    if (!picture)
        return NULL;
    if (!fp_view_read(&picture->view, pid, why, sizeof why)) {
        if (says)
            fp_cli_say("explain: pid %d: %s", (int)pid, why);
        free(picture);
        return NULL;
    }
    fp_stacks_read(&picture->stacks, &picture->view);
    fp_seen_read(&picture->seen, &picture->view, &picture->stacks, UINT64_MAX);
    return picture;
}

static void drop_picture(struct picture *picture)
{
    if (!picture)
        return;
    fp_cli_arena_free(&picture->arena);
    fp_stacks_free(&picture->stacks);
    fp_view_free(&picture->view);
    free(picture);
}

static void add(struct album *album, struct picture *picture)
{
    void *grown =
        picture ? realloc(album->pictures, (album->count + 1) * sizeof(struct picture *)) : NULL;
    if (!grown) {
        drop_picture(picture);
        return;
    }
    album->pictures = grown;
    album->pictures[album->count++] = picture;
}

static struct picture *find(const struct album *album, pid_t pid)
{
    for (size_t i = 0; i < album->count; i++)
        if (album->pictures[i]->view.process.pid == pid)
            return album->pictures[i];
    return NULL;
}

/* "deltalake 0.18.2", "ThreadPoolExecutor (python 3.11)" */
static const char *name_of(const struct fp_runtime *runtime)
{
    static char name[200];
    struct fp_text text = FP_TEXT(name);
    fp_add_runtime_name(&text, runtime);
    return name;
}

static void print_runtimes(FILE *stream, const struct picture *child, const struct picture *parent)
{
    fprintf(stream, "forkpolicy:   threads of pid %d, and of its parent %d:\n",
            (int)child->view.process.pid, (int)child->view.process.parent);
    fprintf(stream, "forkpolicy:     %6s %6s\n", "child", "parent");
    for (size_t i = 0; i < parent->seen.count; i++) {
        const struct fp_runtime *runtime = &parent->seen.runtimes[i].runtime;
        const struct fp_seen_runtime *same = fp_seen_find(&child->seen, &runtime->facts);
        fprintf(stream, "forkpolicy:     %6u %6u  %s: %s\n", same ? same->runtime.threads : 0,
                runtime->threads, name_of(runtime), runtime->names);
    }
    for (size_t i = 0; i < child->seen.count; i++) {
        const struct fp_runtime *runtime = &child->seen.runtimes[i].runtime;
        if (!fp_seen_find(&parent->seen, &runtime->facts))
            fprintf(stream, "forkpolicy:     %6u %6u  %s: %s\n", runtime->threads, 0,
                    name_of(runtime), runtime->names);
    }
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

static void print_threads(FILE *stream, const struct picture *picture, bool stacks)
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

/* The library that holds up a fork of this process, or NULL. */
static const char *find_handler(const struct picture *picture)
{
    const char *handler = NULL;
    for (size_t i = 0; i < picture->stacks.count && !handler; i++)
        handler = fp_handler_of_fork(&picture->stacks.stacks[i]);
    return handler;
}

static struct fp_event_header header_of(const struct picture *picture, const char *event)
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

static void print_records(FILE *stream, const struct picture *picture, const char *handler)
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

/* So that who reads JSON always gets an object. */
static void print_no_hang(FILE *stream, const struct picture *picture)
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

static void print_head(FILE *stream, const struct picture *picture)
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

static void print_gaps(FILE *stream, const struct picture *picture,
                       const struct fp_explain_options *options)
{
    if (!picture->view.may_trace)
        fprintf(stream, "forkpolicy:   missing its waits: no permission to trace this process\n");
    if (*picture->stacks.problem)
        fprintf(stream, "forkpolicy:   missing %s\n", picture->stacks.problem);
    if (picture->view.has_shim && !options->brief)
        fprintf(stream, "forkpolicy:   shim    is loaded; its log (FORKPOLICY_LOG) has more\n");
}

static void print(FILE *stream, const struct picture *picture, const struct picture *parent,
                  const struct fp_explain_options *options)
{
    bool hangs = picture->finding.hang.opinion.grade != FP_GRADE_NONE;
    const char *handler = find_handler(picture);
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
    if (picture->view.process.forked && parent)
        print_runtimes(stream, picture, parent);
    print_threads(stream, picture, options->stacks);
}

/* The others' parents are in the album, unless they ended meanwhile. */
static const struct picture *parent_of(const struct album *album, const struct picture *picture)
{
    const struct picture *parent = find(album, picture->view.process.parent);
    return parent || picture != album->pictures[0] ? parent : album->above;
}

static void judge(const struct album *album, struct picture *picture)
{
    const struct picture *parent = parent_of(album, picture);
    struct fp_finding *finding = &picture->finding;
    if (parent)
        fp_seen_read(&picture->at_fork, &parent->view, &parent->stacks,
                     picture->view.process.begun);
    fp_judge_process(finding, &picture->view, &picture->stacks, &picture->seen,
                     parent ? &parent->view : NULL, parent ? &picture->at_fork : NULL);
    if (finding->hang.opinion.grade != FP_GRADE_NONE && picture->view.has_shim)
        fp_origin_find(&picture->arena, picture->view.process.pid, &finding->fork_site);
}

static void note_worst(struct fp_explanation *worst, const struct picture *picture)
{
    enum fp_grade grade = picture->finding.hang.opinion.grade;
    if (picture->finding.hang.opinion.reason == FP_REASON_PARKED)
        grade = FP_GRADE_NONE; /* it may be how a worker sleeps until it is killed */
    if (find_handler(picture) && grade < FP_GRADE_STRONG)
        grade = FP_GRADE_STRONG;
    if (grade > worst->grade)
        *worst = (struct fp_explanation){grade, picture->view.process.pid};
}

bool fp_explain_process(FILE *stream, pid_t pid, const struct fp_explain_options *options,
                        struct fp_explanation *worst)
{
    struct album album = {0};
    struct fp_tree tree = {0};
    bool any = false;
    *worst = (struct fp_explanation){FP_GRADE_NONE, 0};
    add(&album, take_picture(pid, true));
    if (!album.count)
        return false;
    if (album.pictures[0]->view.process.forked)
        album.above = take_picture(album.pictures[0]->view.process.parent, false);
    fp_tree_read(&tree, pid);
    for (size_t i = 0; i < tree.count; i++)
        add(&album, take_picture(tree.processes[i].pid, false));
    for (size_t i = 0; i < album.count; i++)
        judge(&album, album.pictures[i]);
    for (int grade = FP_GRADE_PROVEN; grade >= FP_GRADE_NONE; grade--)
        for (size_t i = 0; i < album.count; i++) {
            struct picture *picture = album.pictures[i];
            if (picture->finding.hang.opinion.grade != (enum fp_grade)grade)
                continue;
            print(stream, picture, parent_of(&album, picture), options);
            note_worst(worst, picture);
            any |= grade != FP_GRADE_NONE || find_handler(picture);
        }
    if (options->json && !any)
        print_no_hang(stream, album.pictures[0]);
    for (size_t i = 0; i < album.count; i++)
        drop_picture(album.pictures[i]);
    drop_picture(album.above);
    free(album.pictures);
    fp_tree_free(&tree);
    return true;
}
