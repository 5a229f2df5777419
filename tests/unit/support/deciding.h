/*
 * A policy of three layers under test: rules, a user's file, and a table of runtimes. For one file
 * of a program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_DECIDING_H
#define FP_TESTS_DECIDING_H

#include <criterion/criterion.h>

#include "policy/decide.h"
#include "policy/named_code.h"

#include <string.h>

static const char TABLE[] = "execs */subprocess.py _execute_child\n"
                            "execs */always.py\n"
                            "runtime unknown\n dso */unknown.so\n class unknown\n"
                            "runtime survives\n dso */survives.so\n class survives\n"
                            "runtime reset\n dso */reset.so\n class reset\n"
                            "runtime lost\n dso */lost.so\n class lost\n"
                            "runtime refuses\n dso */refuses.so\n class refuses\n"
                            "runtime pool\n python */thread.py\n class reset\n"
                            "runtime sqpoll\n thread iou-sqp-*\n class survives\n"
                            "runtime aged\n dso */aged.so\n class lost when version < 2\n"
                            " class refuses when environment AGED=?*\n class survives\n";

static struct fp_policy_file built_in, user_file;
static struct fp_rules rules;
static struct fp_policy policy;
static struct fp_snapshot snapshot;
static struct fp_verdict verdict;

static inline void setup(const char *string, const char *file)
{
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&built_in, "known", fp_slice_of(TABLE), &problem);
    rules.count = 0;
    if (string)
        fp_rules_parse(&rules, fp_slice_of(string), 1, 1, &problem);
    if (file)
        fp_policy_file_parse(&user_file, "file", fp_slice_of(file), &problem);
    policy = (struct fp_policy){
        .environment = &rules, .file = file ? &user_file.view : NULL, .built_in = &built_in.view};
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    memset(&snapshot, 0, sizeof snapshot);
}

static inline struct fp_facts facts_of(const char *dso)
{
    return (struct fp_facts){.dso = dso, .file = "", .thread = "", .package = "", .version = ""};
}

static inline enum fp_action asked(struct fp_facts facts)
{
    return fp_identify(&policy, &facts).asked;
}

static inline struct fp_judgement judge(struct fp_facts facts)
{
    snapshot.count = 1;
    snapshot.runtimes[0] =
        (struct fp_runtime){.facts = facts, .identity = fp_identify(&policy, &facts)};
    fp_decide(&snapshot, &verdict);
    return verdict.runtimes[0];
}

#endif
