/*
 * The calling thread's native stack, without locks or malloc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_BACKTRACE_H
#define FP_SHIM_HANG_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>

struct fp_native_frame;

/* Fills in the frames from the code that called the watch up to Python's interpreter, innermost
   first; returns how many. */
size_t fp_stack_native(struct fp_native_frame *frames, size_t most);

/* Whether compiled code that is not Python's own called the interpreter's lock functions, as Cython
   extensions do that keep a PyThread_type_lock (fastrlock, h5py). */
bool fp_stack_is_lock_of_extension(void);

#endif
