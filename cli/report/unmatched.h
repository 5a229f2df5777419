/*
 * The entries of a job's policy that match no runtime of its logs: a name that is misspelt is
 * silent in the job itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_UNMATCHED_H
#define FP_CLI_REPORT_UNMATCHED_H

#include "cli/report/tally.h"

#include <stdio.h>

/* A line each; nothing where the logs have no fork. */
void fp_print_unmatched(FILE *stream, const struct fp_tally *tally);

#endif
