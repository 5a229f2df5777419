/*
 * An endless futex wait under watch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_FUTEX_H
#define FP_SHIM_WATCH_FUTEX_H

#include "policy/hang.h"

struct fp_futex_call {
    enum fp_wait wait;
    int *word;
    long operation, value, bits;
    const void *caller;
};

/* As the system call: 0, or -1 and errno. */
long fp_futex_wait(const struct fp_futex_call *call);

#endif
