/*
 * The calling thread's native stack, without locks or malloc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_BACKTRACE_H
#define FP_SHIM_HANG_BACKTRACE_H

#include <stddef.h>

struct fp_native_frame;

/* Fills in the frames from the code that called the watch up to Python's interpreter, innermost
   first; returns how many. */
size_t fp_stack_native(struct fp_native_frame *frames, size_t most);

#endif
