/*
 * `forkpolicy run --ci`: the log that is followed, and the supervision of the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_CI_H
#define FP_CLI_CI_H

/* Runs the program under the settings of the environment; the exit status of `run`. */
int fp_ci_run(const char *program, char **arguments);

#endif
