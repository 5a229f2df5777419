/*
 * What is only said, and how often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/act/fakes.h"

TestSuite(act, .init = begin);

Test(act, only_says)
{
    fp_config.options.on_proven = FP_ON_PROVEN_REPORT;
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    cr_assert(waiting.told);
    line = "app.py:8"; /* the same wait, from code that has moved on */
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 1);
    cr_assert_eq(asked.records, 1);
    cr_assert(strstr(asked.record, "\"waits\""), "%s", asked.record);
}

Test(act, warns)
{
    action = FP_ACTION_WARN;
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 1);
}

Test(act, off)
{
    action = FP_ACTION_OFF;
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    cr_assert_eq(prove(), FP_ADVANCE_WAIT);
    fp_act_on_doubt(&waiting, &seen, &evidence, SUSPECTED, false);
    cr_assert_eq(asked.texts, 0);
    cr_assert_not(waiting.told);
}

/* Threads that wait one behind the other for the same runtime say so once, each proof for itself.
 */
Test(act, doubts)
{
    has_lost = true;
    fp_act_on_doubt(&waiting, &seen, &evidence, SUSPECTED, false);
    line = "app.py:9";
    struct fp_waiting other = {.wait = FP_WAIT_SEMAPHORE};
    fp_act_on_doubt(&other, &seen, &evidence, SUSPECTED, false);
    cr_assert_eq(asked.texts, 1);
    cr_assert(waiting.told && other.told);
    has_lost = false;
    fp_act_on_doubt(&other, &seen, &evidence, SUSPECTED, false);
    cr_assert_eq(asked.texts, 2, "by its line where the runtime is not known");
}

Test(act, children_share_what_is_said_but_not_the_log)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    repeats = true;
    prove();
    cr_assert_eq(asked.texts, 0);
    cr_assert_eq(asked.records, 1);
}

Test(act, no_log)
{
    has_log = false;
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    prove();
    cr_assert_eq(asked.texts, 1);
    cr_assert_eq(asked.records, 0);
}

Test(act, records_of_one_process_are_limited)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    repeats = true;
    for (int i = 0; i < 300; i++) {
        line = i % 2 ? "app.py:1" : "app.py:2";
        prove();
    }
    cr_assert_eq(asked.records, 256);
}

/* Two workers wait in vain at one line, and the other one is about to write its report. */
Test(act, a_line_that_refers_to_a_report_comes_behind_it)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    fp_once_shared(line, "exited");
    asked.looks_in_vain = 3;
    cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
    cr_assert_eq(asked.looks, 4);
    cr_assert(strstr(asked.text, "waits, as reported"), "%s", asked.text);
}

Test(act, a_report_whose_process_was_ended_is_written_by_the_next)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    fp_once_shared(line, "exited");
    asked.looks_in_vain = 1000000;
    cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
    cr_assert(strstr(asked.text, "can never go on"), "%s", asked.text);
}
