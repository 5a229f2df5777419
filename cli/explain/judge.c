/* See judge.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/judge.h"

#include "cli/explain/lost.h"
#include "common/package.h"
#include "policy/signals.h"
#include "policy/site.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Functions by which libc's waits are known, and what they wait for. */
static const struct {
    const char *symbol;
    enum fp_wait wait;
} SYMBOLS[] = {
    {"sem_wait", FP_WAIT_SEMAPHORE},
    {"__new_sem_wait_slow64", FP_WAIT_SEMAPHORE},
    {"sem_clockwait", FP_WAIT_SEMAPHORE},
    {"pthread_cond_wait", FP_WAIT_CONDITION},
    {"__pthread_cond_wait", FP_WAIT_CONDITION},
    {"pthread_mutex_lock", FP_WAIT_MUTEX},
    {"__pthread_mutex_lock", FP_WAIT_MUTEX},
    {"pthread_rwlock_rdlock", FP_WAIT_READ_LOCK},
    {"pthread_rwlock_wrlock", FP_WAIT_WRITE_LOCK},
    {"pthread_join", FP_WAIT_JOIN},
    {"__pthread_clockjoin_ex", FP_WAIT_JOIN},
    {"pthread_barrier_wait", FP_WAIT_BARRIER},
    {"pthread_cond_signal", FP_WAIT_SIGNAL},
    {"__pthread_cond_signal", FP_WAIT_SIGNAL},
    {"pthread_cond_broadcast", FP_WAIT_BROADCAST},
    {"__pthread_cond_broadcast", FP_WAIT_BROADCAST},
    {"pthread_cond_destroy", FP_WAIT_DESTROY},
    {"__pthread_cond_destroy", FP_WAIT_DESTROY},
    {"syscall", FP_WAIT_FUTEX},
    {"PyThread_acquire_lock_timed", FP_WAIT_SEMAPHORE}, /* where libc's slow path has no name */
};

/* libc's own frames come first; what they are called depends on its symbols. */
static enum fp_wait wait_of(const struct fp_stack *stack)
{
    for (size_t k = 0; stack && k < sizeof SYMBOLS / sizeof *SYMBOLS; k++)
        if (strcmp(stack->watched, SYMBOLS[k].symbol) == 0)
            return SYMBOLS[k].wait;
    for (size_t i = 0; stack && i < stack->native_count && i < 6; i++)
        for (size_t k = 0; k < sizeof SYMBOLS / sizeof *SYMBOLS; k++)
            if (strcmp(stack->native[i].symbol, SYMBOLS[k].symbol) == 0)
                return SYMBOLS[k].wait;
    return FP_WAIT_INLINE_FUTEX;
}

/* Slices of a wait without a limit look timed from outside. */
static bool is_watched_for_ever(const struct fp_stack *stack)
{
    return stack && *stack->watched && !strstr(stack->watched, "timed") &&
           !strstr(stack->watched, "clock");
}

/* Who was looked at goes on with its slice by another system call, whose arguments are the same. */
static bool is_in_futex(const struct fp_task *task, const struct fp_stack *stack, bool *is_endless)
{
    bool goes_on = task->call == SYS_restart_syscall && stack && *stack->watched;
    return fp_task_in_futex(task, is_endless) || goes_on;
}

static bool is_epoll(const struct fp_task *task, bool *is_endless)
{
    bool waits = task->call == SYS_epoll_pwait;
#ifdef SYS_epoll_wait
    waits |= task->call == SYS_epoll_wait;
#endif
    *is_endless = waits && (int)task->arguments[3] < 0;
    return waits;
}

/* The word is what the waiter saw: otherwise somebody has changed it, and it is about to go on. */
static bool is_unchanged(const struct fp_view *view, const struct fp_task *task)
{
    uint32_t word;
    return fp_view_copy(view, task->arguments[0], &word, sizeof word) &&
           word == (uint32_t)task->arguments[2];
}

static bool is_private(const struct fp_view *view, const struct fp_task *task)
{
    const struct fp_mapping *mapping = fp_view_mapping(view, task->arguments[0]);
    return mapping && mapping->is_private;
}

static bool sleeps_for_ever(const struct fp_view *view, const struct fp_task *task)
{
    bool is_endless;
    return task->state == 'S' && fp_task_in_futex(task, &is_endless) && is_endless &&
           is_private(view, task) && is_unchanged(view, task);
}

static enum fp_company company_of(const struct fp_view *view, const struct fp_task *task)
{
    for (size_t i = 0; i < view->task_count; i++)
        if (&view->tasks[i] != task && !sleeps_for_ever(view, &view->tasks[i]))
            return FP_COMPANY_AWAKE;
    if (view->task_count == 1)
        return FP_COMPANY_NONE;
    return view->rests ? FP_COMPANY_ASLEEP : FP_COMPANY_AWAKE;
}

static enum fp_waker waker_of(const struct fp_view *view)
{
    uint64_t deliverable = 0;
    for (size_t i = 0; i < view->task_count; i++)
        deliverable |= ~view->tasks[i].blocked;
    uint64_t candidates = view->handled & deliverable & ~FP_SIGNALS_OF_FAULTS;
    if (!view->children)
        candidates &=
            ~FP_SIGNAL_BIT(SIGCHLD); /* the parent's: nobody tells this process of an end */
    if (candidates & ~FP_SIGNAL_BIT(SIGINT))
        return FP_WAKER_HANDLER;
    if (candidates && view->is_python)
        return FP_WAKER_INTERRUPT;
    return candidates ? FP_WAKER_HANDLER : FP_WAKER_NONE;
}

static bool is_threading_wait(const struct fp_python_frame *frame)
{
    const char *base = strrchr(frame->file, '/'), *dot = strrchr(frame->function, '.');
    return strcmp(base ? base + 1 : frame->file, "threading.py") == 0 &&
           strcmp(dot ? dot + 1 : frame->function, "wait") == 0;
}

/* Event.wait stands behind Condition.wait, and behind it the program: it may sleep until it is
   killed. Without Python stacks nobody knows. */
static bool is_parked(const struct fp_view *view, const struct fp_stack *stack, bool has_python)
{
    const struct fp_python_frame *frames = stack ? stack->python : NULL;
    if (!has_python || !stack)
        return view->is_python;
    return stack->python_count > 2 && is_threading_wait(&frames[0]) &&
           is_threading_wait(&frames[1]) && fp_code_of(frames[2].file) == FP_CODE_USER;
}

/* glibc: the word is the mutex itself, and its owner follows the word and a count. */
static pid_t owner_of(const struct fp_view *view, const struct fp_task *task)
{
    int words[3] = {0};
    fp_view_copy(view, task->arguments[0], words, sizeof words);
    return words[2];
}

static bool is_owner_lost(const struct fp_view *view, const struct fp_task *task,
                          const struct fp_view *parent)
{
    pid_t owner = owner_of(view, task);
    const struct fp_task *task_of_parent = parent ? fp_view_own_task(parent, owner) : NULL;
    return owner > 0 && !fp_view_own_task(view, owner) && task_of_parent &&
           task_of_parent->begun <= view->process.begun;
}

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
    bool is_endless, in_futex = is_in_futex(task, stack, &is_endless);
    if (!view->process.forked)
        return judged;
    if (!in_futex && is_epoll(task, &is_endless))
        facts->wait = FP_WAIT_EPOLL;
    else if (in_futex && task->state == 'S')
        facts->wait = wait_of(stack);
    else
        return judged;
    judged.blamed = fp_missing_blame(missing, stack);
    facts->evaluated = true;
    facts->timed = !is_endless && !is_watched_for_ever(stack);
    facts->satisfied = in_futex && !is_unchanged(view, task);
    facts->shared = in_futex && !is_private(view, task);
    facts->company = company_of(view, task);
    facts->waker = waker_of(view);
    facts->owner_lost = facts->wait == FP_WAIT_MUTEX && is_owner_lost(view, task, parent);
    facts->parked = task->tid == view->process.pid && is_parked(view, stack, stacks->has_python);
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
