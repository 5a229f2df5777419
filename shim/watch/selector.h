/*
 * The byte that the kernel reads before each system call of a thread under syscall user dispatch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_SELECTOR_H
#define FP_SHIM_WATCH_SELECTOR_H

char *fp_dispatch_selector(void);

/* The kernel reads the calling thread's from now on. */
void fp_dispatch_begin(void);

/* The thread makes its system calls itself, until it is resumed. */
void fp_dispatch_pause(void);
void fp_dispatch_resume(void);

#endif
