/*
 * The policy string: comma-separated ACTION[:PATTERN].
 *
 * A bare ACTION is the fallback for what no pattern of the same string matches, wherever it
 * stands (the last one counts); among the patterns the last match wins. A bad entry is left out
 * and reported; the others hold.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_RULES_H
#define FP_POLICY_RULES_H

#include "policy/model.h"
#include "policy/problem.h"

enum { FP_RULES_MAX = 256, FP_POLICY_STRING_MAX = 32 * 1024 };

struct fp_rule {
    enum fp_action action;
    struct fp_slice pattern; /* length 0: bare */
    unsigned line, column;   /* where the entry stands */
};

struct fp_rules {
    size_t count;
    struct fp_rule rules[FP_RULES_MAX];
};

/* Adds the entries of `text`; rules borrow from it. `line` and `column` are where it begins. */
void fp_rules_parse(struct fp_rules *rules, struct fp_slice text, unsigned line, unsigned column,
                    struct fp_problem *problem);

#endif
