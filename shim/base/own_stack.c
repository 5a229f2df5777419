/* See own_stack.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/own_stack.h"

#include "common/large.h"
#include "shim/base/block_signals.h"
#include "shim/base/child_section.h"
#include "shim/base/self.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

enum { COUNT = 16 }; /* a fork takes two */

/* Each begins with a page of its own, since what lies in it is copied page by page after a fork; so
   large an alignment of the variable would go for all others in its section. */
enum { PAGE = 4096 };
FP_LARGE static char memory[COUNT * FP_STACK_SIZE + PAGE];
static atomic_bool taken[COUNT];

FP_CHILD static char *stack_at(size_t place)
{
    char *first = memory + (-(uintptr_t)memory & (PAGE - 1));
    return first + place * FP_STACK_SIZE;
}

static FP_THREAD bool is_there; /* this thread is on one */

/* switch.S */
void fp_switch_stack(fp_stack_work *work, void *argument, void *top);

FP_CHILD void *fp_stack_memory_take(void)
{
    for (size_t i = 0; i < COUNT; i++)
        if (!atomic_load_explicit(&taken[i], memory_order_relaxed) &&
            !atomic_exchange(&taken[i], true))
            return stack_at(i);
    void *more =
        mmap(NULL, FP_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return more != MAP_FAILED ? more : NULL;
}

FP_CHILD void fp_stack_memory_give(void *stack)
{
    size_t offset = (size_t)((char *)stack - stack_at(0));
    if (offset < COUNT * FP_STACK_SIZE)
        atomic_store(&taken[offset / FP_STACK_SIZE], false);
    else
        munmap(stack, FP_STACK_SIZE);
}

FP_CHILD void fp_stacks_forget(void)
{
    for (int i = 0; i < COUNT; i++)
        if (atomic_load_explicit(&taken[i], memory_order_relaxed))
            atomic_store(&taken[i], false);
}

FP_CHILD void fp_on_own_stack(fp_stack_work *work, void *argument)
{
    sigset_t before;
    char *stack = is_there ? NULL : fp_stack_memory_take();
    if (!stack) {
        work(argument);
        return;
    }
    fp_block_signals(&before);
    is_there = true;
    fp_switch_stack(work, argument, stack + FP_STACK_SIZE);
    is_there = false;
    fp_stack_memory_give(stack);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
