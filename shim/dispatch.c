/* See dispatch.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/dispatch.h"

#include "shim/config.h"
#include "shim/elf.h"
#include "shim/futex.h"
#include "shim/got.h"
#include "shim/self.h"

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
enum { ALLOW, BLOCK };      /* what the kernel reads before each system call */
enum { INSTRUCTION = 2 };   /* bytes of a syscall instruction */

static _Thread_local char selector __attribute__((tls_model("initial-exec")));
static _Thread_local bool is_armed __attribute__((tls_model("initial-exec")));

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
        selector = ALLOW;
        registers[REG_RIP] -= INSTRUCTION;
        registers[REG_RAX] = info->si_syscall;
    }
    errno = saved;
}

/* libc's code: its system calls are left alone. */
static bool find_libc(uintptr_t *start, uintptr_t *length)
{
    const struct fp_object *libc = fp_got_object_of(fp_got_real(FP_WATCHED_syscall));
    if (!libc)
        return false;
    *start = libc->start;
    *length = libc->end - libc->start;
    return true;
}

static bool is_blocked(void)
{
    sigset_t blocked;
    return pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0 || sigismember(&blocked, SIGSYS) == 1;
}

static bool take_signal(void)
{
    struct sigaction before,
        action = {.sa_sigaction = on_system_call, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    if (sigaction(SIGSYS, NULL, &before) != 0)
        return false;
    if (before.sa_sigaction == on_system_call)
        return true;
    return before.sa_handler == SIG_DFL && sigaction(SIGSYS, &action, NULL) == 0;
}

void fp_dispatch_arm(void)
{
    uintptr_t start, length;
    if (!fp_config.options.inline_futex || !fp_watch_is_on() || is_blocked() ||
        !find_libc(&start, &length) || !take_signal())
        return;
    selector = ALLOW;
    is_armed =
        prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, length, &selector) == 0;
    fp_dispatch_resume();
}

void fp_dispatch_resume(void)
{
    if (is_armed)
        selector = BLOCK;
}

#else

void fp_dispatch_arm(void)
{
}

void fp_dispatch_resume(void)
{
}

#endif
