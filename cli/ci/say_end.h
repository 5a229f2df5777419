/*
 * What a supervised job's end is told by: a few lines on stderr, and the report with all stacks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_SAY_END_H
#define FP_CLI_SAY_END_H

#include "cli/explain/waits.h"
#include "policy/brief.h"

#include <stdio.h>

/* The report of a job that is to be ended, while it is still there: the record on that line of the
   log (0: none), and what each thread waits for. */
void fp_ci_write_report(const char *path, const char *log, unsigned long line);

/* On stderr: the record on that line, or, with 0, what the processes waited for. */
void fp_ci_say_end(const struct fp_job_end *end, const char *log, unsigned long line,
                   const struct fp_waits *waits, const char *report);

#endif
