/*
 * What a proof leads to: an error, or the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/shim/hang/act/fakes.h"

TestSuite(act, .init = begin);

Test(act, raises_in_python)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    cr_assert_eq(prove(), FP_ADVANCE_INTERRUPT);
    cr_assert_eq(asked.raised, 1);
    cr_assert_eq(asked.texts, 1);
    cr_assert_eq(asked.records, 1);
    cr_assert(strstr(asked.record, "\"raised\""), "%s", asked.record);
    cr_assert(strstr(asked.error, "app.py:3"), "%s", asked.error);
}

Test(act, ends_where_nothing_can_be_raised)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    bool *conditions[] = {&raises, &has_reader, &is_python};
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        *conditions[i] = false;
        cr_assert_eq(WEXITSTATUS(status_of(prove)), 70, "%zu", i);
        *conditions[i] = true;
    }
    waiting.wait = FP_WAIT_MUTEX;
    cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
}

static void prove_in_children(int count)
{
    while (count--)
        cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
}

static void *prove_there(void *unused)
{
    prove();
    return unused;
}

static enum fp_advance prove_in_a_thread(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, prove_there, NULL);
    pthread_join(thread, NULL);
    return FP_ADVANCE_WAIT;
}

Test(act, raises_in_the_main_thread_alone)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    cr_assert_eq(WEXITSTATUS(status_of(prove_in_a_thread)), 70);
    cr_assert_eq(asked.raised, 0);
}

static enum fp_advance prove_twice_at_once(void)
{
    prove();
    waiting.since = fp_milliseconds();
    return prove();
}

static enum fp_advance prove_twice(void)
{
    prove();
    waiting.since = fp_milliseconds() - 1000;
    return prove();
}

static enum fp_advance prove_at_two_lines(void)
{
    prove();
    line = "app.py:8";
    return prove();
}

Test(act, what_catches_the_error_and_waits_again_is_ended)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    cr_assert_eq(WEXITSTATUS(status_of(prove_twice_at_once)), 1,
                 "the parent may yet hear of the first");
    cr_assert_eq(WEXITSTATUS(status_of(prove_twice)), 70);
    cr_assert_eq(WEXITSTATUS(status_of(prove_at_two_lines)), 2);
}

Test(act, exits)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    cr_assert_eq(WEXITSTATUS(status_of(prove)), 70);
    cr_assert_eq(asked.raised, 0);
}

static void go_on(int number)
{
    (void)number;
    _exit(3);
}

Test(act, aborts)
{
    fp_config.options.on_proven = FP_ON_PROVEN_ABORT;
    signal(SIGABRT, go_on); /* the host's handler might not let it end */
    int status = status_of(prove);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static enum fp_advance prove_after(uint64_t milliseconds)
{
    waiting.since = fp_milliseconds() - milliseconds;
    return fp_act_on_proof(&waiting, &seen, &evidence, SIGNAL, false);
}

static enum fp_advance prove_after_its_grace(void)
{
    return prove_after(6000);
}

Test(act, a_signal_to_end_may_be_under_way)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    fp_config.options.grace_milliseconds = 5000;
    cr_assert_eq(prove_after(100), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 0, "it may be ending just now");
    for (uint64_t after = 1000; after < 5000; after += 1000)
        cr_assert_eq(prove_after(after), FP_ADVANCE_WAIT);
    cr_assert(asked.texts == 1 && asked.records == 0 && strstr(asked.text, "grace_seconds"));
    cr_assert_eq(WEXITSTATUS(status_of(prove_after_its_grace)), 70);
    cr_assert(strstr(asked.text, "waits, as reported"), "%s", asked.text);
    cr_assert_eq(asked.texts, 2);
    cr_assert(strstr(asked.record, "\"signal\",\"outcome\":\"exited\""), "%s", asked.record);
}

Test(act, a_signal_to_end_may_be_under_way_under_warn)
{
    action = FP_ACTION_WARN;
    cr_assert_eq(prove_after(100), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 0);
    cr_assert_eq(prove_after(1000), FP_ADVANCE_WAIT);
    cr_assert_eq(asked.texts, 1);
}

/* Those that an arbiter puts in each other's place for ever do not fill its log. */
Test(act, each_child_that_ends_has_a_line_of_its_own)
{
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    prove_in_children(1);
    cr_assert(asked.texts == 1 && strstr(asked.text, "native") != strstr(asked.text, "fork"));
    prove_in_children(3);
    cr_assert_eq(asked.texts, 4);
    cr_assert(strchr(asked.text, '\n') == strrchr(asked.text, '\n'), "%s", asked.text);
    prove_in_children(30);
    cr_assert_eq(asked.texts, 17);
    cr_assert_eq(asked.records, 34);
}

Test(act, raises_at_once_where_nothing_was_raised_before)
{
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    waiting.since = fp_milliseconds();
    cr_assert_eq(prove(), FP_ADVANCE_INTERRUPT);
    waiting.since = fp_milliseconds();
    cr_assert_eq(prove(), FP_ADVANCE_WAIT, "the error may still be under way");
}

/* A worker's parent never notices that it has ended: it gets the error as its task's result. */
Test(act, pools_get_an_answer)
{
    is_pool = true;
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    prove();
    cr_assert_eq(asked.answers, 0, "the worker itself sends what is raised");
    cr_assert(strstr(asked.record, "\"answered\":true"), "%s", asked.record);
    fp_config.options.on_proven = FP_ON_PROVEN_EXIT;
    status_of(prove);
    cr_assert_eq(asked.answers, 1);
    cr_assert(strstr(asked.answer, "app.py:3"), "%s", asked.answer);
    fp_config.options.on_proven = FP_ON_PROVEN_RAISE;
    seen.company = FP_COMPANY_ASLEEP;
    seen.gil_is_free = false;
    line = "app.py:10";
    prove();
    cr_assert_not(asked.entered_free, "a sleeping thread holds the lock of Python");
    seen.gil_is_free = true;
    is_sound = false;
    line = "app.py:11";
    prove();
    cr_assert_not(asked.entered_free);
}
