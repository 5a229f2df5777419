/*
 * System calls past libc, for what a forked child does before fork returns: neither errno is
 * touched nor a page of libc's that the child would have to fault in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_KERNEL_H
#define FP_SHIM_BASE_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel answers: an error is a negative number, -errno. */
static inline long fp_kernel(long number, long first, long second, long third, long fourth,
                             long fifth, long sixth)
{
#if defined __x86_64__
    long answer;
    register long r10 __asm__("r10") = fourth;
    register long r8 __asm__("r8") = fifth;
    register long r9 __asm__("r9") = sixth;
    __asm__ volatile("syscall"
                     : "=a"(answer)
                     : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return answer;
#elif defined __aarch64__
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = first;
    register long x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    register long x3 __asm__("x3") = fourth;
    register long x4 __asm__("x4") = fifth;
    register long x5 __asm__("x5") = sixth;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
#else
    int saved = errno;
    long answer = syscall(number, first, second, third, fourth, fifth, sixth);
    answer = answer == -1 ? -(long)errno : answer;
    errno = saved;
    return answer;
#endif
}

/* Whether this process has a thread of that number now. /proc may be another PID namespace's. */
static inline bool fp_thread_lives(long tid)
{
    return fp_kernel(SYS_tgkill, getpid(), tid, 0, 0, 0, 0) == 0;
}

#endif
