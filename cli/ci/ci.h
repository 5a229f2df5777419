/*
 * `forkpolicy run --ci`: the log that is followed, the report, and the supervision of the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_CI_H
#define FP_CLI_CI_H

#include <stdbool.h>

struct fp_ci_options {
    const char *report, *timeout; /* as the user typed them; NULL: not at all */
    bool keeps_status;            /* of a job that returns 0 though children of it hung */
};

/* Runs the program under the settings of the environment; the exit status of `run`. */
int fp_ci_run(const struct fp_ci_options *options, const char *program, char **arguments);

#endif
