/*
 * Hooks around fork, _Fork, forkpty and vfork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "shim/base/notice.h"
#include "shim/base/self.h"
#include "shim/fork/fork.h"
#include "shim/hooks/init.h"
#include "shim/hooks/real.h"

#include <stdbool.h>

static pid_t real_fork(void *unused)
{
    (void)unused;
    return fp_real.fork();
}

static pid_t real_small_fork(void *unused)
{
    (void)unused;
    return fp_real._Fork();
}

/* Before glibc 2.34 forkpty is another library's, and calls the hook of fork. */
static FP_THREAD bool is_in_forkpty;

struct forkpty_call {
    int *master;
    char *name;
    const struct termios *terminal;
    const struct winsize *size;
};

static pid_t real_forkpty(void *context)
{
    const struct forkpty_call *call = context;
    is_in_forkpty = true;
    pid_t child = fp_real.forkpty(call->master, call->name, call->terminal, call->size);
    is_in_forkpty = false;
    return child;
}

pid_t fork(void)
{
    if (is_in_forkpty) {
        is_in_forkpty = false; /* handlers may fork, too */
        return fp_real.fork();
    }
    if (!fp_ready() && !fp_real.fork)
        fp_real_resolve(FP_OPTIONAL);
    return fp_fork_story(&(struct fp_fork_call){.name = "fork",
                                                .caller = __builtin_return_address(0),
                                                .real = real_fork,
                                                .is_whole = true});
}

pid_t _Fork(void)
{
    if (!fp_ready() && !fp_real._Fork)
        fp_real_resolve(FP_OPTIONAL);
    return fp_fork_story(&(struct fp_fork_call){
        .name = "_Fork", .caller = __builtin_return_address(0), .real = real_small_fork});
}

int forkpty(int *master, char *name, const struct termios *terminal, const struct winsize *size)
{
    struct forkpty_call call = {master, name, terminal, size};
    if (!fp_ready() && !fp_real.forkpty)
        fp_real_resolve(FP_OPTIONAL);
    return fp_fork_story(&(struct fp_fork_call){.name = "forkpty",
                                                .caller = __builtin_return_address(0),
                                                .real = real_forkpty,
                                                .context = &call,
                                                .is_whole = true});
}

/* Called by the stub in entry.S, which then jumps to what this returns: vfork comes back twice on
   one stack frame, so that no C function can stand around it. */
void *fp_vfork_real(void);
void *fp_vfork_real(void)
{
    if (fp_ready() && !fp_self.inside)
        fp_notice_say();
    return fp_real.vfork ? *(void **)&fp_real.vfork : *(void **)&fp_real.fork;
}
