/*
 * FP_CHILD marks what runs in a forked child before the host's code goes on there: without locks,
 * because the threads that held them are gone, and async-signal-safe. Such functions lie in a
 * section of their own, and `make rooms` checks what that section refers to in every object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_CHILD_SECTION_H
#define FP_SHIM_BASE_CHILD_SECTION_H

#define FP_CHILD __attribute__((section(".text.fp_child")))

#endif
