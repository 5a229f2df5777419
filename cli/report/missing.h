/*
 * A part of the summary for people: what was lost in silence.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_MISSING_H
#define FP_CLI_REPORT_MISSING_H

#include "cli/report/tally.h"

#include <stdio.h>

/* Nothing where there is none. */
void fp_report_missing(FILE *stream, const struct fp_tally *tally);

#endif
