/*
 * The policy files of the jobs, and the allow lines that their forks used.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_TALLY_ALLOWS_H
#define FP_CLI_REPORT_TALLY_ALLOWS_H

#include "cli/report/tally.h"

/* By a `start` record. */
void fp_tally_add_policy_file(struct fp_tally *tally, const struct fp_log_record *record);

/* By one runtime of a fork. */
void fp_tally_add_allowed(struct fp_tally *tally, const struct fp_log_runtime *runtime);

bool fp_tally_is_used(const struct fp_tally *tally, const char *path, unsigned line);

#endif
