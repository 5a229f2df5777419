/*
 * `forkpolicy check`, seen from inside the process that it asks about.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HOOKS_CHECK_H
#define FP_SHIM_HOOKS_CHECK_H

#include <stdbool.h>

/* Prints what the shim found in this process on standard output and ends it, before its main. */
_Noreturn void fp_check_and_exit(bool watches);

#endif
