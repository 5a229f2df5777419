/*
 * The formats that are made of a tally. Each is false where it could not be written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_FORMATS_H
#define FP_CLI_REPORT_FORMATS_H

#include "cli/report/tally.h"

#include <stdio.h>

/* For people. */
bool fp_report_text(FILE *stream, struct fp_tally *tally, size_t logs);

/* A policy file for what was seen. */
bool fp_report_policy(FILE *stream, struct fp_tally *tally, size_t logs);

/* The allow lines of the job's policy files that no fork used. */
bool fp_report_unused(FILE *stream, struct fp_tally *tally, size_t logs);

/* Workflow commands; and the summary of the step, where the environment names its file. */
bool fp_report_github(FILE *stream, struct fp_tally *tally, size_t logs);

/* Markdown for $GITHUB_STEP_SUMMARY, `room` bytes at most. */
bool fp_report_markdown(FILE *stream, struct fp_tally *tally, size_t logs, size_t room);

/* A Code Quality report. */
bool fp_report_gitlab(FILE *stream, struct fp_tally *tally, size_t logs);

/* One test suite, a test case for each runtime at a fork site. */
bool fp_report_junit(FILE *stream, struct fp_tally *tally, size_t logs);

#endif
