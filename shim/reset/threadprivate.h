/*
 * Data that OpenMP keeps between two parallel regions for each thread of a team (threadprivate).
 * The parent loses it, too, when its team is ended for a fork.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_THREADPRIVATE_H
#define FP_SHIM_RESET_THREADPRIVATE_H

#include "shim/libraries/objects.h"

/* In the parent, before the fork: a library or program, as the loader spells it, that uses this
   copy of an OpenMP runtime and may keep such data; NULL: none does. Installed packages don't. */
const char *fp_threadprivate_keeper(const struct fp_object *openmp);

#endif
