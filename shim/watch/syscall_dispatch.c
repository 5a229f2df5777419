/* See syscall_dispatch.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/watch/syscall_dispatch.h"

#include "shim/base/child_section.h"
#include "shim/base/config.h"
#include "shim/base/self.h"
#include "shim/libraries/elf.h"
#include "shim/libraries/objects.h"
#include "shim/threads/origin.h"
#include "shim/watch/futex.h"
#include "shim/watch/got.h"
#include "shim/watch/selector.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)

#ifndef PR_SET_SYSCALL_USER_DISPATCH /* linux/prctl.h of 5.11 */
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

enum { USER_DISPATCH = 2 }; /* SYS_USER_DISPATCH, the si_code; glibc has no name for it yet */
enum { INSTRUCTION = 2 };   /* bytes of a syscall instruction */

/*
 * What concerns the thread's own registers, stack or signal mask cannot be done for it: it makes
 * these itself, once more and undisturbed, and is then out of the watch until its next wait there.
 */
static bool is_for_itself(int number)
{
    switch (number) {
    case SYS_rt_sigreturn:
    case SYS_rt_sigprocmask:
    case SYS_rt_sigsuspend:
    case SYS_sigaltstack:
    case SYS_clone:
    case SYS_clone3:
    case SYS_fork:
    case SYS_vfork:
    case SYS_exit:
    case SYS_arch_prctl:
        return true;
    default:
        return false;
    }
}

static bool is_endless_wait(int number, const greg_t *registers)
{
    long command = registers[REG_RSI] & FUTEX_CMD_MASK;
    return number == SYS_futex && (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET) &&
           !registers[REG_R10] && !fp_self.inside;
}

static long call_for(int number, const greg_t *registers, const void *caller)
{
    struct fp_futex_call wait = {.wait = FP_WAIT_INLINE_FUTEX,
                                 .word = (int *)registers[REG_RDI],
                                 .operation = registers[REG_RSI],
                                 .value = registers[REG_RDX],
                                 .bits = registers[REG_R9],
                                 .caller = caller};
    if (is_endless_wait(number, registers))
        return fp_futex_wait(&wait);
    return syscall(number, registers[REG_RDI], registers[REG_RSI], registers[REG_RDX],
                   registers[REG_R10], registers[REG_R8], registers[REG_R9]);
}

static void on_system_call(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    int saved = errno;
    if (info->si_code != USER_DISPATCH) { /* a sandbox: as if we were not here */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    if (!is_for_itself(info->si_syscall)) {
        long result = call_for(info->si_syscall, registers, info->si_call_addr);
        registers[REG_RAX] = result < 0 ? -errno : result;
    } else {
        fp_dispatch_pause();
        registers[REG_RIP] -= INSTRUCTION;
        registers[REG_RAX] = info->si_syscall;
    }
    errno = saved;
}

/* libc's code: its system calls are left alone. */
static uintptr_t libc_start, libc_length;

/* Before glibc 2.34 the library of the threads has a copy, whose handlers return through its own
   code: each would take its thread out of the watch. */
static int (*libc_sigaction)(int, const struct sigaction *, struct sigaction *) = sigaction;

static void find_sigaction(void)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *found = libc ? dlsym(libc, "sigaction") : NULL;
    if (found)
        *(void **)&libc_sigaction = found;
}

void fp_dispatch_prepare(void)
{
    if (fp_config.options.inline_futex)
        find_sigaction();
    const struct fp_object *libc = fp_object_of(fp_got_real(FP_WATCHED_syscall));
    libc_start = libc ? libc->start : 0;
    libc_length = libc ? libc->end - libc->start : 0;
}

static bool is_blocked(void)
{
    sigset_t blocked;
    return pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0 || sigismember(&blocked, SIGSYS) == 1;
}

FP_CHILD static bool take_signal(void)
{
    struct sigaction before,
        action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    if (sigaction(SIGSYS, NULL, &before) != 0)
        return false;
    if (before.sa_sigaction == on_system_call)
        return true;
    return before.sa_handler == SIG_DFL && libc_sigaction(SIGSYS, &action, NULL) == 0;
}

FP_CHILD void fp_dispatch_arm(void)
{
    if (!fp_config.options.inline_futex || !fp_origin_is_watched() || is_blocked() || !libc_start ||
        !take_signal())
        return;
    fp_dispatch_pause();
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, libc_start, libc_length,
              fp_dispatch_selector()) == 0)
        fp_dispatch_begin();
}

#else

void fp_dispatch_prepare(void)
{
}

void fp_dispatch_arm(void)
{
}

#endif
