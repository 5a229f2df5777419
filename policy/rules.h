/*
 * The policy string: comma-separated ACTION[:PATTERN][@PLACE] (place.h).
 *
 * A bare ACTION is the fallback for what no other entry of the same string matches, wherever it
 * stands (the last one counts); among those with a pattern or a place the last match wins. A bad
 * entry is left out and reported; the others hold.
 *
 * An allow line of a policy file: [PATTERN][@PLACE] because REASON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_RULES_H
#define FP_POLICY_RULES_H

#include "policy/place.h"
#include "policy/problem.h"

enum { FP_RULES_MAX = 256, FP_POLICY_STRING_MAX = 32 * 1024 };

struct fp_rule {
    enum fp_action action;
    struct fp_slice pattern;    /* length 0: any runtime */
    struct fp_place_glob place; /* its file's length 0: anywhere */
    struct fp_slice reason;     /* of an allow line */
    unsigned line, column;      /* where the entry stands */
};

static inline bool fp_rule_is_bare(const struct fp_rule *rule)
{
    return !rule->pattern.length && !rule->place.file.length;
}

struct fp_rules {
    size_t count;
    struct fp_rule rules[FP_RULES_MAX];
};

/* Adds the entries of `text`; rules borrow from it. `line` and `column` are where it begins. */
void fp_rules_parse(struct fp_rules *rules, struct fp_slice text, unsigned line, unsigned column,
                    struct fp_problem *problem);

/* One allow line, without its first word: NULL, or what is wrong; *offset is then the byte to
 * blame. */
const char *fp_rule_allow(struct fp_rule *rule, struct fp_slice text, size_t *offset);

/* Adds it, or notes what is wrong with it. */
void fp_rules_allow(struct fp_rules *rules, struct fp_slice text, unsigned line, unsigned column,
                    struct fp_problem *problem);

#endif
