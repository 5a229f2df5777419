/* See judge.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/judge.h"

#include "cli/explain/facts.h"
#include "cli/explain/lost.h"
#include "common/package.h"
#include "policy/site.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *note_line(char *line, const struct fp_python_frame *frame)
{
    snprintf(line, sizeof(char[300]), "%s:%d", frame->file, frame->line);
    return line;
}

/* The lines from the nth frame outwards. */
static struct fp_site find_site(char (*lines)[300], const struct fp_stack *stack, size_t first)
{
    struct fp_site site = {"", "", "", "", "", "", ""};
    for (size_t i = first; stack && i < stack->python_count; i++) {
        enum fp_code code = fp_code_of(stack->python[i].file);
        if (i == first)
            site.innermost = note_line(lines[0], &stack->python[i]);
        if (code == FP_CODE_USER && fp_package_starts(stack->python[i].file))
            continue;
        if (code == FP_CODE_PACKAGE && !*site.library)
            site.library = note_line(lines[1], &stack->python[i]);
        if (code == FP_CODE_USER && !*site.user) {
            site.user = note_line(lines[2], &stack->python[i]);
            site.function = stack->python[i].function;
            site.called = i > first ? note_line(lines[3], &stack->python[i - 1]) : "";
        }
    }
    return site;
}

/* Python functions that fork, and go on in the child: they stay on its stack. */
static const struct {
    const char *file, *function;
} FORKERS[] = {{"/popen_fork.py", "_launch"}, {"/gunicorn/arbiter.py", "spawn_worker"}};

static bool is_end_of(const char *string, const char *end)
{
    size_t length = strlen(string), wanted = strlen(end);
    return length >= wanted && strcmp(string + length - wanted, end) == 0;
}

static bool is_forker(const struct fp_python_frame *frame)
{
    for (size_t i = 0; i < sizeof FORKERS / sizeof *FORKERS; i++)
        if (is_end_of(frame->file, FORKERS[i].file) &&
            is_end_of(frame->function, FORKERS[i].function))
            return true;
    return false;
}

/* Where the process was forked, as far as its main thread's stack has it: by Python code, or by a
   program that runs Python within itself. */
static enum fp_origin find_fork(struct fp_finding *finding, const struct fp_view *view,
                                const struct fp_stack *stack)
{
    finding->fork_site = (struct fp_site){"", "", "", "", "", "", ""};
    if (!view->is_python)
        return FP_ORIGIN_NATIVE;
    for (size_t i = 0; stack && i < stack->python_count; i++)
        if (is_forker(&stack->python[i])) {
            finding->fork_site = find_site(finding->fork_lines, stack, i);
            return FP_ORIGIN_PYTHON;
        }
    for (size_t i = stack ? stack->native_count : 0; i-- > 0;)
        if (is_end_of(stack->native[i].dso, "bin/uwsgi")) {
            finding->fork_site.dso = stack->native[i].dso;
            return FP_ORIGIN_NATIVE_IN_PYTHON;
        }
    return FP_ORIGIN_PYTHON;
}

/* Whose code waits: the innermost frame that is neither libc's nor Python's own. */
static struct fp_facts find_waiting_code(struct fp_finding *finding, const struct fp_stack *stack)
{
    struct fp_facts facts = {"", "", "", "", ""};
    for (size_t i = 0; stack && i < stack->native_count; i++) {
        const char *base = strrchr(stack->native[i].dso, '/');
        if (!base || strncmp(base, "/libc.", 6) == 0 || strncmp(base, "/libpthread", 11) == 0)
            continue;
        facts.dso = stack->native[i].dso;
        break;
    }
    if (fp_package_find(facts.dso, &finding->package)) {
        facts.package = finding->package.name;
        facts.version = finding->package.version;
    }
    return facts;
}

static unsigned long age_milliseconds(const struct fp_tree_process *process)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    double begun = (double)process->begun / (double)sysconf(_SC_CLK_TCK);
    double age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - begun;
    return age > 0 ? (unsigned long)(age * 1000) : 0;
}

/* A task, and what is thought of its wait: nothing (0) where it is in none. */
struct judged {
    pid_t tid;
    const struct fp_stack *stack;
    struct fp_wait_facts facts;
    struct fp_blamed blamed;
    struct fp_opinion opinion;
};

static struct judged judge_task(const struct fp_view *view, const struct fp_task *task,
                                const struct fp_stacks *stacks, const struct fp_missing *missing,
                                const struct fp_view *parent)
{
    const struct fp_stack *stack = fp_stacks_of(stacks, task->tid);
    struct judged judged = {.tid = task->tid, .stack = stack};
    struct fp_wait_facts *facts = &judged.facts;
    if (!view->process.forked || !fp_facts_read(facts, view, task, stack, stacks->has_python))
        return judged;
    judged.blamed = fp_missing_blame(missing, stack);
    facts->owner_lost = facts->wait == FP_WAIT_MUTEX && fp_facts_owner_lost(view, task, parent);
    facts->about_lost = judged.blamed.runtime && fp_cause_is_evidence(judged.blamed.cause);
    judged.opinion = fp_hang_judge(facts);
    return judged;
}

static void fill(struct fp_finding *finding, const struct fp_view *view,
                 const struct fp_stacks *stacks, const struct judged *judged)
{
    const struct fp_stack *stack = judged->stack;
    enum fp_origin origin = find_fork(finding, view, fp_stacks_of(stacks, view->process.pid));
    finding->hang = (struct fp_hang){
        .program = view->program,
        .pid = view->process.pid,
        .tid = judged->tid,
        .opinion = judged->opinion,
        .wait = judged->facts.wait,
        .interruptible = judged->facts.waker == FP_WAKER_INTERRUPT,
        .waiting = find_waiting_code(finding, stack),
        .at = find_site(finding->lines, stack, 0),
        .threads = (unsigned)view->task_count,
        .lost = judged->blamed.runtime,
        .judgement = judged->blamed.judgement,
        .cause = judged->blamed.cause,
        .fork = {.call = "fork",
                 .origin = origin,
                 .site = &finding->fork_site,
                 .parent = view->process.parent,
                 .lost_threads = judged->blamed.threads,
                 .milliseconds = age_milliseconds(&view->process)},
        .native = stack ? stack->native : NULL,
        .native_count = stack ? stack->native_count : 0,
        .python = stack ? stack->python : NULL,
        .python_count = stack ? stack->python_count : 0,
    };
}

/* Of two alike the one that waits for a lock or a result, then the first, which is the main thread:
   a server's rests in epoll while another hangs. */
static bool is_worse(const struct judged *one, const struct judged *other)
{
    if (one->opinion.grade != other->opinion.grade)
        return one->opinion.grade > other->opinion.grade;
    return one->opinion.grade != FP_GRADE_NONE && other->facts.wait == FP_WAIT_EPOLL &&
           one->facts.wait != FP_WAIT_EPOLL;
}

void fp_judge_process(struct fp_finding *finding, const struct fp_view *view,
                      const struct fp_stacks *stacks, const struct fp_seen *seen,
                      const struct fp_view *parent, const struct fp_seen *seen_in_parent)
{
    struct fp_missing missing;
    struct judged worst = {0};
    fp_missing_read(&missing, seen, seen_in_parent);
    for (size_t i = 0; i < view->task_count; i++) {
        struct judged next = judge_task(view, &view->tasks[i], stacks, &missing, parent);
        if (i == 0 || is_worse(&next, &worst))
            worst = next;
    }
    fill(finding, view, stacks, &worst);
}
