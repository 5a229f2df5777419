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

static const char *note_line(struct fp_finding *finding, int which,
                             const struct fp_python_frame *frame)
{
    snprintf(finding->lines[which], sizeof finding->lines[which], "%s:%d", frame->file,
             frame->line);
    return finding->lines[which];
}

static struct fp_site find_site(struct fp_finding *finding, const struct fp_stack *stack)
{
    struct fp_site site = {"", "", "", "", "", "", ""};
    for (size_t i = 0; stack && i < stack->python_count; i++) {
        enum fp_code code = fp_code_of(stack->python[i].file);
        if (i == 0)
            site.innermost = note_line(finding, 0, &stack->python[i]);
        if (code == FP_CODE_USER && fp_package_starts(stack->python[i].file))
            continue;
        if (code == FP_CODE_PACKAGE && !*site.library)
            site.library = note_line(finding, 1, &stack->python[i]);
        if (code == FP_CODE_USER && !*site.user) {
            site.user = note_line(finding, 2, &stack->python[i]);
            site.function = stack->python[i].function;
        }
    }
    return site;
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
                 const struct judged *judged)
{
    const struct fp_stack *stack = judged->stack;
    finding->fork_site = (struct fp_site){"", "", "", "", "", "", ""};
    finding->hang = (struct fp_hang){
        .program = view->program,
        .pid = view->process.pid,
        .tid = judged->tid,
        .opinion = judged->opinion,
        .wait = judged->facts.wait,
        .interruptible = judged->facts.waker == FP_WAKER_INTERRUPT,
        .waiting = find_waiting_code(finding, stack),
        .at = find_site(finding, stack),
        .threads = (unsigned)view->task_count,
        .lost = judged->blamed.runtime,
        .judgement = judged->blamed.judgement,
        .cause = judged->blamed.cause,
        .fork = {.call = "fork",
                 .origin = view->is_python ? FP_ORIGIN_PYTHON : FP_ORIGIN_NATIVE,
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
    fill(finding, view, &worst);
}
