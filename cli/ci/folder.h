/*
 * The folder of `run --ci`, where the job's records and reports go: --ci-report's, or one of our
 * own below the temporary folder, which is removed where there was nothing to say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_CI_FOLDER_H
#define FP_CLI_CI_FOLDER_H

#include <limits.h>
#include <stdbool.h>

struct fp_ci_folder {
    char path[PATH_MAX - 32];
    char log[PATH_MAX]; /* the user's own, where FORKPOLICY_LOG names one */
    char text[PATH_MAX], page[PATH_MAX];
    bool is_own, log_is_own;
};

/* Makes it; `wanted` is --ci-report's, or NULL. False, and said, where that is not possible. */
bool fp_ci_folder_open(struct fp_ci_folder *folder, const char *wanted);

/* Writes the page of the records, or removes all of it where nothing was said. */
void fp_ci_folder_close(const struct fp_ci_folder *folder, bool has_said);

#endif
