/* See facts.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/facts.h"

#include "policy/signals.h"
#include "policy/site.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

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

bool fp_task_sleeps_for_ever(const struct fp_view *view, const struct fp_task *task)
{
    bool is_endless;
    return task->state == 'S' && fp_task_in_futex(task, &is_endless) && is_endless &&
           is_private(view, task) && is_unchanged(view, task);
}

static enum fp_company company_of(const struct fp_view *view, const struct fp_task *task)
{
    for (size_t i = 0; i < view->task_count; i++)
        if (&view->tasks[i] != task && !fp_task_sleeps_for_ever(view, &view->tasks[i]))
            return FP_COMPANY_AWAKE;
    if (view->task_count == 1)
        return FP_COMPANY_NONE;
    return view->rests ? FP_COMPANY_ASLEEP : FP_COMPANY_AWAKE;
}

/* Signals that reach a handler. */
static uint64_t taken_signals(const struct fp_view *view)
{
    uint64_t deliverable = 0;
    for (size_t i = 0; i < view->task_count; i++)
        deliverable |= ~view->tasks[i].blocked;
    uint64_t candidates = view->handled & deliverable & ~FP_SIGNALS_OF_FAULTS;
    if (!view->children)
        candidates &=
            ~FP_SIGNAL_BIT(SIGCHLD); /* the parent's: nobody tells this process of an end */
    return candidates;
}

bool fp_facts_has_handler(const struct fp_view *view)
{
    return taken_signals(view) & ~FP_SIGNALS_OF_ENDS;
}

enum fp_waker fp_facts_waker(const struct fp_view *view)
{
    uint64_t candidates = taken_signals(view);
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
bool fp_facts_parked(const struct fp_view *view, const struct fp_stack *stack, bool has_python)
{
    const struct fp_python_frame *frames = stack ? stack->python : NULL;
    if (!has_python || !stack)
        return view->is_python;
    return stack->python_count > 2 && is_threading_wait(&frames[0]) &&
           is_threading_wait(&frames[1]) && fp_code_of(frames[2].file) == FP_CODE_USER;
}

/* glibc: the word is the mutex itself, and its owner follows the word and a count. */
pid_t fp_facts_owner(const struct fp_view *view, const struct fp_task *task)
{
    int words[3] = {0};
    fp_view_copy(view, task->arguments[0], words, sizeof words);
    return words[2];
}

bool fp_facts_owner_lost(const struct fp_view *view, const struct fp_task *task,
                         const struct fp_view *parent)
{
    pid_t owner = fp_facts_owner(view, task);
    const struct fp_task *task_of_parent = parent ? fp_view_own_task(parent, owner) : NULL;
    return owner > 0 && !fp_view_own_task(view, owner) && task_of_parent &&
           task_of_parent->begun <= view->process.begun;
}

bool fp_facts_read(struct fp_wait_facts *facts, const struct fp_view *view,
                   const struct fp_task *task, const struct fp_stack *stack, bool has_python)
{
    bool is_endless, in_futex = is_in_futex(task, stack, &is_endless);
    if (!in_futex && is_epoll(task, &is_endless))
        facts->wait = FP_WAIT_EPOLL;
    else if (in_futex && task->state == 'S')
        facts->wait = wait_of(stack);
    else
        return false;
    facts->evaluated = true;
    facts->timed = !is_endless && !is_watched_for_ever(stack);
    facts->satisfied = in_futex && !is_unchanged(view, task);
    facts->shared = in_futex && !is_private(view, task);
    facts->company = company_of(view, task);
    facts->waker = fp_facts_waker(view);
    facts->parked = task->tid == view->process.pid && fp_facts_parked(view, stack, has_python);
    return true;
}
