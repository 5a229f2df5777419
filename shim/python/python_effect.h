/*
 * What a Python function would do as a signal handler, as far as its code can be read: which names
 * it uses, and what these stand for. Nothing of it is run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_PYTHON_PYTHON_EFFECT_H
#define FP_SHIM_PYTHON_PYTHON_EFFECT_H

#include "policy/signals.h"

/* Of any callable object; needs the GIL, and clears the error. UNKNOWN wherever a name stands for
   something that is not known to wake nobody. */
enum fp_effect fp_python_effect(void *callable);

#endif
