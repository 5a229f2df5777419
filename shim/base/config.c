/* See config.h. SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "shim/base/config.h"

#include "common/large.h"
#include "common/policy_read.h"
#include "shim/base/emit.h"
#include "shim/base/notice.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fp_config fp_config;

FP_LARGE static struct fp_rules rules;
FP_LARGE static char policy_string[FP_POLICY_STRING_MAX];

/* secure_getenv, and empty is the same as not set. */
static const char *variable(const char *name)
{
    const char *value = secure_getenv(name);
    return value && *value ? value : NULL;
}

static void end_notice(struct fp_text *text, const char *what_now)
{
    fp_text_format(text, "; %s\n", what_now);
}

static void note_entries(struct fp_text *text, const char *name, const struct fp_problem *problem)
{
    if (!problem->count)
        return;
    fp_text_format(text, "forkpolicy: ");
    fp_problem_of_string(text, name, problem);
    end_notice(text,
               problem->count > 1 ? "the bad entries are left out" : "this entry is left out");
}

static void load_string(struct fp_text *text)
{
    const char *value = variable("FORKPOLICY");
    size_t length = value ? strlen(value) : 0;
    struct fp_problem problem = {0};
    fp_config.policy.environment = &rules;
    if (length >= sizeof policy_string) {
        fp_text_format(text, "forkpolicy: FORKPOLICY is %zu bytes long, %zu at most are read",
                       length, sizeof policy_string - 1);
        end_notice(text, "all of it is left out");
        return;
    }
    if (!length)
        return;
    memcpy(policy_string, value, length + 1); /* the host may change its environment */
    fp_rules_parse(&rules, (struct fp_slice){policy_string, length}, 1, 1, &problem);
    note_entries(text, "FORKPOLICY", &problem);
}

static void load_options(struct fp_text *text)
{
    const char *value = variable("FORKPOLICY_OPTIONS");
    struct fp_problem problem = {0};
    fp_options_default(&fp_config.options);
    if (value)
        fp_options_parse(&fp_config.options, fp_slice_of(value), &problem);
    note_entries(text, "FORKPOLICY_OPTIONS", &problem);
    fp_emit_quiet(fp_config.options.quiet);
}

static void load_file(struct fp_text *text)
{
    const char *path = variable("FORKPOLICY_FILE");
    struct fp_problem problem = {0};
    char reason[200];
    struct fp_text why = FP_TEXT(reason);
    if (!path)
        return;
    if (!fp_policy_read(path, &fp_config.policy.file, &problem, &why)) {
        fp_text_format(text, "forkpolicy: FORKPOLICY_FILE ");
        fp_text_quote(text, fp_slice_of(path), 300);
        fp_text_format(text, ": %s", reason);
        end_notice(text, "it is left out");
    } else if (problem.count) {
        fp_text_format(text, "forkpolicy: ");
        fp_problem_of_file(text, path, &problem);
        end_notice(text, "what is bad is left out");
    }
}

/* What can be told before the first record, so that it is said once a job and not by every process
   that writes one. A file that is not there yet is made then. */
static const char *refuse_log(const char *path)
{
    struct stat status;
    if (path[0] != '/')
        return "is not an absolute path";
    if (strstr(path, "%p") || lstat(path, &status) != 0)
        return NULL;
    if (S_ISLNK(status.st_mode))
        return "is a symbolic link";
    if (S_ISDIR(status.st_mode))
        return "is a directory";
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
        return "is not a regular file";
    return access(path, W_OK) == 0 ? NULL : "cannot be written";
}

static void load_log(struct fp_text *text)
{
    const char *path = variable("FORKPOLICY_LOG");
    const char *wrong = path ? refuse_log(path) : NULL;
    if (wrong) {
        fp_text_format(text, "forkpolicy: FORKPOLICY_LOG ");
        fp_text_quote(text, fp_slice_of(path), 300);
        fp_text_format(text, " %s", wrong);
        end_notice(text, "no log is written");
    }
    fp_emit_log_to(wrong ? NULL : path);
}

/* The first entry that asks for `carry`, or NULL. */
static const struct fp_rule *find_carry(const struct fp_rules *asked)
{
    for (size_t i = 0; asked && i < asked->count; i++)
        if (asked->rules[i].action == FP_ACTION_CARRY)
            return &asked->rules[i];
    return NULL;
}

/* Where no thread can be carried the entry acts as something weaker: one line a job says so. */
static void load_carry(struct fp_text *text, fp_why_not *why_not)
{
    const struct fp_policy_text *file = fp_config.policy.file;
    const struct fp_rule *rule = find_carry(fp_config.policy.environment);
    const char *where = rule || !file ? "FORKPOLICY" : file->path;
    rule = rule || !file ? rule : find_carry(file->rules);
    const char *reason = rule ? why_not() : NULL;
    fp_config.carries = rule && !reason;
    if (!reason)
        return;
    fp_text_format(text, "forkpolicy: ");
    fp_text_quote(text, fp_slice_of(where), 300);
    fp_text_format(text, ":%u:%u: \"carry\" cannot be done here, %s; it acts as \"reset\"\n",
                   rule->line, rule->column, reason);
}

void fp_config_load(fp_why_not *why_not_carry)
{
    struct fp_text *text = fp_notice_text();
    fp_config.policy.built_in = &fp_known_policy;
    load_string(text);
    load_file(text);
    load_log(text);
    load_options(text);
    fp_config.can_reset = fp_policy_can_reset(&fp_config.policy);
    fp_config.has_places = fp_policy_has_places(&fp_config.policy);
    fp_config.tells_strangers = fp_policy_tells_strangers(&fp_config.policy);
    load_carry(text, why_not_carry);
    fp_notice_claim();
}
