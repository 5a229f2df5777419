/* See stacks.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/explain/stacks.h"

#include <errno.h>
#include <libunwind-ptrace.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <uthash.h>

/* A thread that is not in the kernel for good stops at once. */
enum { STOP_MILLISECONDS = 500, AT_ONCE = 100 };

static bool wait_for_stop(pid_t tid)
{
    const struct timespec pause = {0, 1000000};
    for (int i = 0; i < STOP_MILLISECONDS + AT_ONCE; i++) {
        int status;
        pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
        if (got == tid)
            return WIFSTOPPED(status);
        if (got < 0)
            return false;
        if (i < AT_ONCE)
            sched_yield();
        else
            nanosleep(&pause, NULL);
    }
    return false;
}

/* A signal that arrived at the same moment is handed on, not swallowed. */
static bool stop(pid_t tid)
{
    if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0)
        return false;
    if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) == 0 && wait_for_stop(tid))
        return true;
    ptrace(PTRACE_DETACH, tid, NULL, NULL);
    return false;
}

static void let_go(pid_t tid)
{
    siginfo_t info;
    long number = 0;
    if (ptrace(PTRACE_GETSIGINFO, tid, NULL, &info) == 0 && info.si_code >> 8 != PTRACE_EVENT_STOP)
        number = info.si_signo;
    ptrace(PTRACE_DETACH, tid, NULL, (void *)number);
}

/* The function that an address lies in. libunwind looks for it in the whole map of the process, and
   hundreds of threads wait at the same few addresses. */
struct fp_symbol {
    UT_hash_handle hh;
    uint64_t address;
    unsigned long offset;
    char name[96]; /* "" = not known */
};

static void look_up(struct fp_symbol *symbol, unw_cursor_t *cursor)
{
    unw_word_t offset = 0;
    unw_proc_info_t function;
    /* The nearest symbol may be another function's, where this one's is stripped. */
    if (unw_get_proc_name(cursor, symbol->name, sizeof symbol->name, &offset) != 0 ||
        unw_get_proc_info(cursor, &function) != 0 || symbol->address - offset != function.start_ip)
        symbol->name[0] = '\0';
    symbol->offset = offset;
}

/* NULL where there is no memory. */
static const struct fp_symbol *symbol_at(struct fp_symbol **known, uint64_t address,
                                         unw_cursor_t *cursor)
{
    struct fp_symbol *symbol;
    HASH_FIND(hh, *known, &address, sizeof address, symbol);
    if (symbol || !(symbol = calloc(1, sizeof *symbol)))
        return symbol;
    symbol->address = address;
    look_up(symbol, cursor);
    HASH_ADD(hh, *known, address, sizeof symbol->address, symbol);
    return symbol;
}

static void add_frame(struct fp_stack *stack, const struct fp_view *view,
                      struct fp_symbol **symbols, unw_cursor_t *cursor)
{
    unw_word_t address = 0;
    unw_get_reg(cursor, UNW_REG_IP, &address);
    const struct fp_mapping *mapping = fp_view_mapping(view, address);
    struct fp_native_frame *frame = &stack->native[stack->native_count++];
    *frame = (struct fp_native_frame){.dso = mapping ? mapping->path : "", .symbol = ""};
    frame->offset = mapping ? address - mapping->start + mapping->offset : address;
    const struct fp_symbol *symbol = symbol_at(symbols, address, cursor);
    if (symbol && *symbol->name) {
        frame->symbol = symbol->name;
        frame->offset = symbol->offset;
    }
}

static bool is_of_shim(const struct fp_native_frame *frame)
{
    const char *base = strrchr(frame->dso, '/');
    return base && strcmp(base, "/libforkpolicy.so") == 0;
}

/* A wait under watch is one of libc's slices below the watch below the caller. */
static void leave_out_watch(struct fp_stack *stack)
{
    static const char PREFIX[] = "fp_watched_";
    size_t skipped = 0;
    for (size_t i = 0; i < stack->native_count && !skipped; i++) {
        const char *symbol = stack->native[i].symbol;
        if (is_of_shim(&stack->native[i]) && strncmp(symbol, PREFIX, sizeof PREFIX - 1) == 0) {
            skipped = i + 1;
            snprintf(stack->watched, sizeof stack->watched, "%s", symbol + sizeof PREFIX - 1);
        }
    }
    stack->native_count -= skipped;
    memmove(stack->native, stack->native + skipped, stack->native_count * sizeof *stack->native);
}

static void unwind(struct fp_stack *stack, const struct fp_view *view, struct fp_symbol **symbols,
                   unw_addr_space_t space)
{
    void *context = _UPT_create(stack->tid);
    unw_cursor_t cursor;
    if (context && unw_init_remote(&cursor, space, context) == 0)
        do
            add_frame(stack, view, symbols, &cursor);
        while (stack->native_count < FP_STACK_FRAMES && unw_step(&cursor) > 0);
    if (context)
        _UPT_destroy(context);
    leave_out_watch(stack);
}

static void read_native(struct fp_stacks *stacks, const struct fp_view *view)
{
    unw_addr_space_t space = unw_create_addr_space(&_UPT_accessors, 0);
    if (!space)
        return;
    unw_set_caching_policy(space, UNW_CACHE_GLOBAL);
    for (size_t i = 0; i < stacks->count; i++) {
        struct fp_stack *stack = &stacks->stacks[i];
        if (!stop(stack->tid)) {
            snprintf(stacks->problem, sizeof stacks->problem, "native stacks: %s",
                     errno == EPERM ? "another program traces it, or this user may not"
                                    : strerror(errno));
            continue;
        }
        unwind(stack, view, &stacks->symbols, space);
        let_go(stack->tid);
        stacks->has_native |= stack->native_count > 0;
    }
    unw_destroy_addr_space(space);
}

void fp_stacks_read(struct fp_stacks *stacks, const struct fp_view *view)
{
    *stacks = (struct fp_stacks){.stacks = calloc(view->task_count, sizeof *stacks->stacks)};
    stacks->count = stacks->stacks ? view->task_count : 0;
    for (size_t i = 0; i < stacks->count; i++)
        stacks->stacks[i].tid = view->tasks[i].tid;
    if (view->is_python)
        stacks->has_python = fp_stacks_read_python(stacks, view);
    read_native(stacks, view);
}

void fp_stacks_free(struct fp_stacks *stacks)
{
    struct fp_symbol *symbol, *next;
    HASH_ITER(hh, stacks->symbols, symbol, next)
    {
        HASH_DEL(stacks->symbols, symbol);
        free(symbol);
    }
    free(stacks->stacks);
    *stacks = (struct fp_stacks){0};
}

const struct fp_stack *fp_stacks_of(const struct fp_stacks *stacks, pid_t tid)
{
    for (size_t i = 0; i < stacks->count; i++)
        if (stacks->stacks[i].tid == tid)
            return &stacks->stacks[i];
    return NULL;
}
