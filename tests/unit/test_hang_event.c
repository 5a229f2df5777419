/*
 * Records of hangs, uses and resets: all that they say, as valid JSON.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "tests/unit/support/hang_record.h"

#include <stdio.h>
#include <string.h>

TestSuite(hang_event, .init = record_setup);

Test(hang_event, a_hang_in_full)
{
    record();
    cr_expect_str_eq(
        buffer,
        "{\"v\":1,\"event\":\"hang\"," HEAD
        ",\"verdict\":\"proven\",\"reason\":\"alone\",\"outcome\":\"exited\",\"threads\":1,"
        "\"interruptible\":false,\"answered\":false"
        ",\"cause\":\"library\",\"lost\":{" LOST_MEMBERS ADVICE "}" FORK
        ",\"waiting\":{\"seconds\":0.312,\"call\":\"syscall(futex)\",\"dso\":\"/p/one.so\""
        ",\"package\":\"one\",\"version\":\"1.2\",\"tid\":8,\"site\":{\"dso\":\"/p/one.so\""
        ",\"function\":\"work\",\"user\":{\"file\":\"/app/train.py\",\"line\":20},\"called\":null"
        ",\"library\":{\"file\":\"/p/one/table.py\",\"line\":99},\"innermost\":null}}"
        ",\"python_stack\":[{\"line\":99,\"file\":\"/p/one/table.py\",\"function\":\"count_rows\"}"
        ",{\"line\":20,\"file\":\"/app/train.py\",\"function\":\"work\"}]"
        ",\"native_stack\":[{\"offset\":4096,\"dso\":\"/p/one.so\",\"symbol\":null}"
        ",{\"offset\":17,\"dso\":\"/lib/libc.so.6\",\"symbol\":\"start_thread\"}]}\n");
}

Test(hang_event, a_deadlock_that_no_lost_runtime_explains)
{
    hang.lost = NULL;
    hang.cause = FP_CAUSE_UNKNOWN;
    hang.outcome = FP_OUTCOME_WAITS;
    hang.waiting = (struct fp_facts){"/app/prog", "", "", "", ""};
    hang.at = NO_SITE;
    hang.at.dso = "/app/prog";
    hang.fork.call = "";
    fork_site = NO_SITE;
    hang.python_count = hang.native_count = 0;
    record();
    cr_expect_str_eq(
        buffer,
        "{\"v\":1,\"event\":\"hang\"," HEAD
        ",\"verdict\":\"proven\",\"reason\":\"alone\",\"outcome\":\"waits\",\"threads\":1,"
        "\"interruptible\":false,\"answered\":false"
        ",\"cause\":\"unknown\",\"lost\":null"
        ",\"fork\":{\"seconds\":61.005,\"call\":null,\"origin\":\"python\",\"parent\":6,\"lost_"
        "threads\":5,\"site\":"
        "{\"dso\":\"\",\"function\":null,\"user\":null,\"called\":null,\"library\":null"
        ",\"innermost\":null}}"
        ",\"waiting\":{\"seconds\":0.312,\"call\":\"syscall(futex)\",\"dso\":\"/app/prog\""
        ",\"package\":null,\"version\":null,\"tid\":8,\"site\":{\"dso\":\"/app/prog\""
        ",\"function\":null,\"user\":null,\"called\":null,\"library\":null,\"innermost\":null}}"
        ",\"python_stack\":[],\"native_stack\":[]}\n");
}

Test(hang_event, every_word_of_a_verdict)
{
    static const char *const REASONS[] = {"none",  "alone",   "asleep", "helpers", "owner",
                                          "team",  "handler", "timer",  "signal",  "parked",
                                          "timed", "company", "outside"};
    static const char *const OUTCOMES[] = {"waits", "raised",  "exited",
                                           "again", "aborted", "grace"};
    char want[64];
    for (int reason = 0; reason <= FP_REASON_OUTSIDE; reason++) {
        hang.opinion.reason = (enum fp_reason)reason;
        record();
        snprintf(want, sizeof want, ",\"reason\":\"%s\",", REASONS[reason]);
        expect(want);
    }
    for (int outcome = 0; outcome < FP_OUTCOME_COUNT; outcome++) {
        hang.outcome = (enum fp_outcome)outcome;
        cr_expect_str_eq(fp_outcome_name(hang.outcome), OUTCOMES[outcome]);
        record();
        snprintf(want, sizeof want, ",\"outcome\":\"%s\",", OUTCOMES[outcome]);
        expect(want);
    }
    for (int grade = 0; grade <= FP_GRADE_PROVEN; grade++) {
        hang.opinion.grade = (enum fp_grade)grade;
        record();
        snprintf(want, sizeof want, ",\"verdict\":\"%s\",", fp_grade_name(hang.opinion.grade));
        expect(want);
    }
    for (int cause = 0; cause <= FP_CAUSE_UNKNOWN; cause++) {
        hang.cause = (enum fp_cause)cause;
        record();
        snprintf(want, sizeof want, ",\"cause\":\"%s\",", fp_cause_name(hang.cause));
        expect(want);
    }
    for (int wait = 0; wait < FP_WAIT_COUNT; wait++) {
        hang.wait = (enum fp_wait)wait;
        record();
        snprintf(want, sizeof want, ",\"call\":\"%s\",", fp_wait_name(hang.wait));
        expect(want);
    }
}

Test(hang_event, seconds_have_three_places_not_as_many_as_there_are_digits)
{
    static const struct {
        unsigned long milliseconds;
        const char *want;
    } CASES[] = {{0, "0.000"},   {7, "0.007"},    {70, "0.070"},
                 {999, "0.999"}, {1000, "1.000"}, {86400001, "86400.001"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char want[64];
        hang.milliseconds = CASES[i].milliseconds;
        record();
        snprintf(want, sizeof want, ",\"waiting\":{\"seconds\":%s,", CASES[i].want);
        expect(want);
    }
}

Test(hang_event, quotes_control_bytes_and_what_is_no_utf8_are_escaped)
{
    lost.facts.package = "a\"b\\c";
    hang.waiting.package = "x\ny\x7f";
    hang.at.function = "caf\xc3\xa9\xff\xc3";
    snprintf(python[0].function, sizeof python[0].function, "<lambda>\t\"");
    native[1].symbol = "\xed\xa0\x80";
    record();
    expect("\"package\":\"a\\\"b\\\\c\"");
    expect("\"package\":\"x\\u000ay\\u007f\"");
    expect("\"function\":\"caf\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"");
    expect("\"function\":\"<lambda>\\u0009\\\"\"");
    expect("\"symbol\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* The end of a path that was cut inside a character. */
Test(hang_event, half_a_character_at_either_end_of_a_file_is_valid_all_the_same)
{
    snprintf(python[0].file, sizeof python[0].file, "\x82\xac/train.py");
    snprintf(python[1].file, sizeof python[1].file, "/train\xe2\x82");
    record();
    expect("\"file\":\"\xef\xbf\xbd\xef\xbf\xbd/train.py\"");
    expect("\"file\":\"/train\xef\xbf\xbd\xef\xbf\xbd\"");
}

Test(hang_event, a_use_in_full)
{
    lost.identity = (struct fp_identity){.asked = FP_ACTION_WARN};
    record_use(&RESET);
    cr_expect_str_eq(buffer,
                     "{\"v\":1,\"event\":\"use\"," HEAD ",\"call\":\"pthread_cond_signal\""
                     ",\"runtime\":{\"threads\":4,\"name\":null,\"package\":\"one\""
                     ",\"version\":\"1.2\",\"dso\":\"/p/one.so\",\"kind\":null,\"class\":\"reset\""
                     ",\"action\":\"warn\",\"asked\":\"warn\",\"names\":\"worker-0, worker-1\""
                     ",\"started\":\"/app/train.py:3\",\"handlers\":[\"child\"],\"advice\":[]}" FORK
                     "}\n");
}

static size_t occurrences(const char *part)
{
    size_t count = 0;
    for (const char *at = buffer; (at = strstr(at, part)); at++)
        count++;
    return count;
}

Test(hang_event, the_advice_stands_once_in_the_runtime_whatever_the_fork_told)
{
    for (int speech = FP_SPEECH_SILENT; speech <= FP_SPEECH_TELL; speech++) {
        hang.judgement.speech = (enum fp_speech)speech;
        record();
        expect(",\"lost\":{" LOST_MEMBERS ADVICE "},");
        cr_expect_eq(occurrences("\"advice\":"), 1);
        cr_expect_eq(occurrences("\"source\":"), 1);
        record_use(&(struct fp_judgement){FP_CLASS_LOST, FP_ACTION_WARN, (enum fp_speech)speech});
        expect(",\"handlers\":[\"child\"]" ADVICE "},\"fork\":{");
        cr_expect_eq(occurrences("\"advice\":"), 1);
        cr_expect_eq(occurrences("\"source\":"), 1);
    }
}

Test(hang_event, a_reset_in_full)
{
    record_reset("omp_pause_resource_all", "");
    cr_expect_str_eq(buffer, "{\"v\":1,\"event\":\"reset\"," HEAD
                             ",\"name\":\"one\",\"package\":\"one\",\"version\":\"1.2\""
                             ",\"function\":\"omp_pause_resource_all\",\"error\":null"
                             ",\"microseconds\":1234,\"dso\":\"/p/one.so\"}\n");
    lost.identity.known = NULL;
    lost.facts.package = lost.facts.version = "";
    record_reset("f", "did not return 0");
    expect(",\"name\":null,\"package\":null,\"version\":null,\"function\":\"f\""
           ",\"error\":\"did not return 0\",");
}
