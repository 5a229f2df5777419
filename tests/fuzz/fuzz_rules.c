/*
 * Any bytes as FORKPOLICY: what the parser keeps lies inside the text and is well formed, what it
 * complains of has a place, and a decision on the result is total.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy/decide.h"
#include "policy/glob.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert: the checks must hold in builds with NDEBUG too. */
#define MUST(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

static void check_rules(const struct fp_rules *rules, struct fp_slice text)
{
    MUST(rules->count <= FP_RULES_MAX);
    for (size_t i = 0; i < rules->count; i++) {
        const struct fp_rule *rule = &rules->rules[i];
        size_t offset;
        MUST(rule->action < FP_ACTION_COUNT);
        MUST(rule->line == 1 && rule->column >= 1 && rule->column <= text.length);
        MUST(i == 0 || rule->column > rules->rules[i - 1].column);
        if (!rule->pattern.length)
            continue;
        MUST(rule->pattern.text > text.text);
        MUST(rule->pattern.text + rule->pattern.length <= text.text + text.length);
        MUST(!memchr(rule->pattern.text, ',', rule->pattern.length));
        MUST(!fp_glob_check(rule->pattern, &offset));
    }
}

static void check_decision(const struct fp_rules *rules)
{
    static const struct fp_facts FACTS[] = {
        {"/site-packages/polars/polars.abi3.so", "", "", "polars", "2.1.0"},
        {"", "/lib/python3.11/concurrent/futures/thread.py", "", "", ""},
        {"", "", "iou-sqp-1", "", ""},
    };
    static struct fp_snapshot snapshot;
    static struct fp_verdict verdict;
    struct fp_policy policy = {.environment = rules};
    snapshot.count = sizeof FACTS / sizeof *FACTS;
    for (size_t i = 0; i < snapshot.count; i++) {
        snapshot.runtimes[i] = (struct fp_runtime){.facts = FACTS[i], .threads = 1};
        snapshot.runtimes[i].identity = fp_identify(&policy, &FACTS[i]);
        MUST(snapshot.runtimes[i].identity.asked < FP_ACTION_COUNT);
    }
    fp_decide(&snapshot, &verdict);
    MUST(!verdict.refuse || verdict.tell);
    MUST(!verdict.refuse || fp_policy_can_refuse(&policy));
    MUST(!fp_policy_is_off(&policy) || !verdict.tell);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fp_rules rules;
    struct fp_problem problem = {.count = 0};
    struct fp_slice text = {(const char *)data, size};
    if (!size || size > FP_POLICY_STRING_MAX)
        return 0;
    rules.count = 0;
    fp_rules_parse(&rules, text, 1, 1, &problem);
    check_rules(&rules, text);
    if (problem.count) {
        MUST(problem.line == 1 && problem.column >= 1 && problem.column <= size + 1);
        MUST(memchr(problem.message, '\0', sizeof problem.message) && problem.message[0]);
    }
    check_decision(&rules);
    return 0;
}
