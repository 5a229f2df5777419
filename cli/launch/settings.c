/* See settings.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "cli/launch/settings.h"

#include "cli/base/say.h"
#include "common/policy_read.h"
#include "policy/options.h"

#include <stdlib.h>
#include <string.h>

bool fp_settings_policy(const char *string, const char *subject)
{
    static struct fp_rules rules;
    struct fp_problem problem = {0};
    size_t length = string ? strlen(string) : 0;
    char line[512];
    struct fp_text text = FP_TEXT(line);
    if (!length)
        return true;
    if (length >= FP_POLICY_STRING_MAX)
        fp_text_format(&text, "%s is %zu bytes long, %d at most are read", subject, length,
                       FP_POLICY_STRING_MAX - 1);
    else
        fp_rules_parse(&rules, (struct fp_slice){string, length}, 1, 1, &problem);
    if (problem.count)
        fp_problem_of_string(&text, subject, &problem);
    if (text.length)
        fp_cli_say("%s", line);
    return !text.length;
}

bool fp_settings_options(const char *string, const char *subject)
{
    struct fp_options options;
    struct fp_problem problem = {0};
    char line[512];
    struct fp_text text = FP_TEXT(line);
    if (!string || !*string)
        return true;
    fp_options_parse(&options, fp_slice_of(string), &problem);
    if (!problem.count)
        return true;
    fp_problem_of_string(&text, subject, &problem);
    fp_cli_say("%s", line);
    return false;
}

bool fp_settings_file(const char *path)
{
    const struct fp_policy_text *policy;
    struct fp_problem problem = {0};
    char reason[200], line[800];
    struct fp_text why = FP_TEXT(reason), text = FP_TEXT(line);
    if (!path || !*path)
        return true;
    if (!fp_policy_read(path, &policy, &problem, &why))
        fp_text_format(&text, "%s: %s", path, reason);
    else if (problem.count)
        fp_problem_of_file(&text, path, &problem);
    if (text.length)
        fp_cli_say("%s", line);
    return !text.length;
}

bool fp_settings_amplify(const char *string)
{
    char *end;
    long number = string ? strtol(string, &end, 10) : 1;
    if (number > 0 && number <= FP_AMPLIFY_MAX && (!string || !*end))
        return true;
    fp_cli_say("--amplify \"%s\": 1 to %d milliseconds", string, FP_AMPLIFY_MAX);
    return false;
}
