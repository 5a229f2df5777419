/*
 * On a terminal, a line each time that a supervised job has come to rest; nothing where stderr is a
 * file or a pipe. Whole lines only: the job writes to the same terminal.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_PROGRESS_H
#define FP_CLI_PROGRESS_H

#include <stddef.h>

/* For how long the job is idle, and after how long it is looked at. */
void fp_progress_idle(unsigned idle_seconds, unsigned limit_seconds, size_t processes);

#endif
