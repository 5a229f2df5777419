/*
 * Futex waits by system calls of a library's own (Go, libgomp in the midst of a region), which pass
 * no function that could be replaced: the kernel's syscall user dispatch (Linux 5.11, x86-64) sends
 * a signal instead of each system call made outside libc. Only on request (inline_futex=1): a
 * thread that blocks SIGSYS would be ended by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_SYSCALL_DISPATCH_H
#define FP_SHIM_WATCH_SYSCALL_DISPATCH_H

/* In the parent, before the fork, with the libraries listed: where libc lies. */
void fp_dispatch_prepare(void);

/* Child room: for the calling thread of a watched child. Does nothing where it was not asked for,
   where SIGSYS has another use, or where the kernel has it not. */
void fp_dispatch_arm(void);

#endif
