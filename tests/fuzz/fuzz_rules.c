/*
 * Any bytes as FORKPOLICY: what the parser keeps lies inside the text and is well formed, what it
 * complains of has a place, and a decision on the result is total.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy/decide.h"
#include "policy/glob.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_glob(struct fp_slice glob, struct fp_slice text)
{
    size_t offset;
    if (!glob.length)
        return;
    MUST(glob.text > text.text && glob.text + glob.length <= text.text + text.length);
    MUST(!memchr(glob.text, ',', glob.length));
    MUST(!fp_glob_check(glob, &offset));
}

static void check_rules(const struct fp_rules *rules, struct fp_slice text)
{
    MUST(rules->count <= FP_RULES_MAX);
    for (size_t i = 0; i < rules->count; i++) {
        const struct fp_rule *rule = &rules->rules[i];
        MUST(rule->action < FP_ACTION_COUNT);
        MUST(rule->line == 1 && rule->column >= 1 && rule->column <= text.length);
        MUST(i == 0 || rule->column > rules->rules[i - 1].column);
        MUST(rule->place.file.length || !rule->place.within.length);
        MUST(!fp_glob_find(rule->pattern, '@') && !fp_glob_find(rule->place.file, ':'));
        check_glob(rule->pattern, text);
        check_glob(rule->place.file, text);
        check_glob(rule->place.within, text);
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
    static const struct fp_site SITE = {.user = "/app/tests/test_pool.py:12",
                                        .library = "/site-packages/torch/loader.py:7",
                                        .called = "/lib/python3.11/multiprocessing/context.py:1",
                                        .innermost =
                                            "/lib/python3.11/multiprocessing/popen_fork.py:9",
                                        .function = "test_pool",
                                        .dso = "/usr/bin/python3",
                                        .allowed = ""};
    snapshot.count = sizeof FACTS / sizeof *FACTS;
    for (size_t i = 0; i < snapshot.count; i++) {
        snapshot.runtimes[i] = (struct fp_runtime){.facts = FACTS[i], .threads = 1};
        snapshot.runtimes[i].identity = fp_identify(&policy, &FACTS[i]);
        struct fp_identity anywhere = snapshot.runtimes[i].identity;
        fp_identify_at(&snapshot.runtimes[i].identity, &policy, &FACTS[i], &SITE);
        MUST(snapshot.runtimes[i].identity.asked < FP_ACTION_COUNT);
        MUST(snapshot.runtimes[i].identity.asked == anywhere.asked ||
             fp_policy_has_places(&policy));
    }
    fp_decide(&snapshot, &verdict);
    MUST(!verdict.refuse || verdict.tell);
    MUST(!verdict.refuse || fp_policy_can_refuse(&policy));
    MUST(!fp_policy_is_off(&policy) || !verdict.tell);
}

/* The same bytes as an allow line. */
static void check_allow(struct fp_slice text)
{
    struct fp_rule rule = {.line = 1};
    size_t offset = 0;
    const char *wrong = fp_rule_allow(&rule, text, &offset);
    MUST(!wrong || (*wrong && offset <= text.length));
    MUST(wrong || (rule.reason.length && !fp_rule_is_bare(&rule)));
    MUST(wrong || rule.reason.text + rule.reason.length <= text.text + text.length);
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
    check_allow(text);
    if (problem.count) {
        MUST(problem.line == 1 && problem.column >= 1 && problem.column <= size + 1);
        MUST(memchr(problem.message, '\0', sizeof problem.message) && problem.message[0]);
    }
    check_decision(&rules);
    return 0;
}
