/* See probe.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/libraries/probe.h"

#include "shim/base/child_section.h"
#include "shim/base/kernel.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>

/* The kernel copies the set of signals before it finds that there is no such operation. */
FP_CHILD bool fp_probe_read(const void *address)
{
    enum { NO_OPERATION = -1, SET_SIZE = 8 };
    uintptr_t set = (uintptr_t)address & -(uintptr_t)SET_SIZE;
    return fp_kernel(SYS_rt_sigprocmask, NO_OPERATION, (long)set, 0, SET_SIZE, 0, 0) != -EFAULT;
}

/* FUTEX_WAKE_OP changes the second word, here by nothing, and wakes those that wait for the first:
   none. */
FP_CHILD bool fp_probe_write(void *word)
{
    uint32_t nobody = 0;
    long operation = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);
    return fp_kernel(SYS_futex, (long)&nobody, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, (long)word,
                     operation) >= 0;
}
