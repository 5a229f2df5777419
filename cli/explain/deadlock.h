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
 * Sets `is_stuck`. A process that a signal handler might wake, whose main thread may rest until the
 * process is killed, or that waits for itself while a child of it works, is none. Where the job's
 * time is over, only a handler counts whose signal does not ask for the end.
 */
void fp_deadlock_find(struct fp_scene *scene);

#endif
