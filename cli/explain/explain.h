/*
 * The halves of `forkpolicy explain`: a record of a log (log.c); a process is in process.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_H
#define FP_CLI_EXPLAIN_H

#include <stdio.h>

/* The record on line `number` of a log, or, with 0, the one that tells most. An exit status. */
int fp_explain_log(FILE *stream, const char *path, unsigned long number);

#endif
