/*
 * Which processes can never go on, fork or not: each of their threads waits without a time limit,
 * and for nobody but the threads of such processes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_DEADLOCK_H
#define FP_CLI_EXPLAIN_DEADLOCK_H

#include "cli/explain/needs.h"

/*
 * Sets `is_stuck`. A process that a signal handler might wake, or whose main thread may rest until
 * the process is killed, is none, unless its time is over.
 */
void fp_deadlock_find(struct fp_scene *scene, bool is_over);

#endif
