/*
 * What a job is given is checked before it runs: false, and said in one line with the place, where
 * something is wrong. NULL and "" are good. `subject` names the argument or variable.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_SETTINGS_H
#define FP_CLI_SETTINGS_H

#include <stdbool.h>

enum { FP_AMPLIFY_MAX = 60000 };

bool fp_settings_policy(const char *string, const char *subject);
bool fp_settings_file(const char *path);
bool fp_settings_options(const char *string, const char *subject);
bool fp_settings_amplify(const char *string);

#endif
