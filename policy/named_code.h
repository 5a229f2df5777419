/*
 * Code that a policy knows by its file: "WORD GLOB [FUNCTION]" of a policy file, or of known.policy.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_NAMED_CODE_H
#define FP_POLICY_NAMED_CODE_H

#include "policy/decide.h"

/* Whether Python code that calls fork in `file` (and `function`) does so to exec. */
bool fp_policy_execs(const struct fp_policy *policy, const char *file, const char *function);

/* Whether the threads that this Python file starts are helpers: they wake no thread of the program.
 */
bool fp_policy_helps(const struct fp_policy *policy, const char *file);

/* Whether this Python code wakes a thread of its package, which has a task from now on. */
bool fp_policy_wakes(const struct fp_policy *policy, const char *file, const char *function);

/* What the signal handlers of this library, or this function of a Python file, are known to do to a
   wait; `function` is "" for a library's. */
enum fp_effect fp_policy_handler_effect(const struct fp_policy *policy, const char *file,
                                        const char *function);

#endif
