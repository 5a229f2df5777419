/*
 * Calls of functions whose types are known from a policy file alone, by libffi.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_FFI_CALL_H
#define FP_SHIM_RESET_FFI_CALL_H

#include "policy/call.h"

/* Calls `function` as the line says; what it returns, or -1 where libffi does not know how. */
int fp_thunk_call(void *function, const struct fp_call *call);

#endif
