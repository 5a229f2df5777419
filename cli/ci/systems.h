/*
 * The service that runs the job, and what it reads: annotations, Code Quality, JUnit's XML.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_CI_SYSTEMS_H
#define FP_CLI_CI_SYSTEMS_H

#include <stdio.h>

/* The line before a message in the service's log, where it wants one. */
void fp_ci_system_heading(FILE *stream);

/* What the service reads of the records of a job that failed: into FOLDER, or on stderr. */
void fp_ci_system_report(const char *log, const char *folder);

#endif
