/* See own_stack.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/own_stack.h"

#include "common/large.h"
#include "shim/base/child_section.h"
#include "shim/base/self.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

enum { COUNT = 16 }; /* a fork takes two */

FP_LARGE static _Alignas(4096) char stacks[COUNT][FP_STACK_SIZE];
static atomic_bool taken[COUNT];

static FP_THREAD bool is_there; /* this thread is on one */

/* switch.S */
void fp_switch_stack(fp_stack_work *work, void *argument, void *top);

FP_CHILD void *fp_stack_memory_take(void)
{
    for (int i = 0; i < COUNT; i++)
        if (!atomic_load_explicit(&taken[i], memory_order_relaxed) &&
            !atomic_exchange(&taken[i], true))
            return stacks[i];
    return NULL;
}

FP_CHILD void fp_stack_memory_give(void *memory)
{
    atomic_store(&taken[((char *)memory - stacks[0]) / FP_STACK_SIZE], false);
}

FP_CHILD void fp_stacks_forget(void)
{
    for (int i = 0; i < COUNT; i++)
        if (atomic_load_explicit(&taken[i], memory_order_relaxed))
            atomic_store(&taken[i], false);
}

FP_CHILD static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGTRAP);
    sigdelset(&blocked, SIGSYS);
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}

FP_CHILD void fp_on_own_stack(fp_stack_work *work, void *argument)
{
    sigset_t before;
    char *stack = is_there ? NULL : fp_stack_memory_take();
    if (!stack) {
        work(argument);
        return;
    }
    block_signals(&before);
    is_there = true;
    fp_switch_stack(work, argument, stack + FP_STACK_SIZE);
    is_there = false;
    fp_stack_memory_give(stack);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
