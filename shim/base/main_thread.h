/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FP_SHIM_BASE_MAIN_THREAD_H
#define FP_SHIM_BASE_MAIN_THREAD_H

#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether the calling thread is the process's first one, which in Python runs signal handlers. */
static inline bool fp_is_main_thread(void)
{
    return syscall(SYS_gettid) == getpid();
}

#endif
