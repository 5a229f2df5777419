/*
 * A deadlock in one line, and what helps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_REMEDY_H
#define FP_CLI_EXPLAIN_REMEDY_H

#include "cli/explain/waits.h"

/* Sets what, fix and pid; false, and nothing set, where no process is stuck. */
bool fp_remedy_find(struct fp_waits *waits, const struct fp_scene *scene);

#endif
