/*
 * C11's mutexes, conditions and threads are glibc's own by other names, with answers of their own
 * (threads.h, since 2.28).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_WATCH_C11_H
#define FP_SHIM_WATCH_C11_H

#include <errno.h>

/* How threads.h says what pthread.h says by an error number. */
static inline int fp_c11_answer(int error)
{
    enum { SUCCESS, BUSY, ERROR, NO_MEMORY, TIMED_OUT };
    return error == 0           ? SUCCESS
           : error == EBUSY     ? BUSY
           : error == ENOMEM    ? NO_MEMORY
           : error == ETIMEDOUT ? TIMED_OUT
                                : ERROR;
}

#endif
