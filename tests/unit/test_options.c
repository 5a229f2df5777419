/* The options string. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/options.h"

#include <string.h>

static struct fp_options options;
static struct fp_problem problem;

static void parse(const char *text)
{
    memset(&problem, 0, sizeof problem);
    fp_options_default(&options);
    fp_options_parse(&options, fp_slice_of(text), &problem);
}

static bool are_defaults(void)
{
    return options.on_proven == FP_ON_PROVEN_RAISE && options.hang_milliseconds == 30000 &&
           !options.inline_futex && !options.quiet;
}

Test(options, defaults_are_written_over_whatever_was_there)
{
    memset(&options, '\xff', sizeof options);
    fp_options_default(&options);
    cr_assert(are_defaults());
}

Test(options, every_word_of_on_proven)
{
    static const char *const WORDS[] = {
        [FP_ON_PROVEN_RAISE] = "on_proven=raise",
        [FP_ON_PROVEN_EXIT] = "on_proven=exit",
        [FP_ON_PROVEN_ABORT] = "on_proven=abort",
        [FP_ON_PROVEN_REPORT] = "on_proven=report",
    };
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        parse(WORDS[i]);
        cr_assert_eq(problem.count, 0, "%s: %s", WORDS[i], problem.message);
        cr_assert_eq((size_t)options.on_proven, i, "%s", WORDS[i]);
    }
}

Test(options, inline_futex_is_0_or_1)
{
    parse("inline_futex=1");
    cr_assert(problem.count == 0 && options.inline_futex);
    parse("inline_futex=0");
    cr_assert(problem.count == 0 && !options.inline_futex);
}

Test(options, quiet_is_0_or_1)
{
    parse("quiet=1");
    cr_assert(problem.count == 0 && options.quiet);
    parse("quiet=1,quiet=0");
    cr_assert(problem.count == 0 && !options.quiet);
}

Test(options, seconds_become_milliseconds)
{
    static const struct {
        const char *text;
        unsigned milliseconds;
    } CASES[] = {
        {"hang_seconds=0.05", 50},
        {"hang_seconds=0.050", 50},
        {"hang_seconds=.5", 500},
        {"hang_seconds=1", 1000},
        {"hang_seconds=1.", 1000},
        {"hang_seconds=1.5", 1500},
        {"hang_seconds=1.25", 1250},
        {"hang_seconds=1.125", 1125},
        {"hang_seconds=0.051", 51},
        {"hang_seconds=0000000000007", 7000},
        {"hang_seconds=86400", 86400000},
        {"hang_seconds=86400.000", 86400000},
        {"hang_seconds=86399.999", 86399999},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        parse(CASES[i].text);
        cr_assert_eq(problem.count, 0, "%s: %s", CASES[i].text, problem.message);
        cr_assert_eq(options.hang_milliseconds, CASES[i].milliseconds, "%s: %u", CASES[i].text,
                     options.hang_milliseconds);
    }
}

Test(options, a_bad_value_is_placed_and_the_default_holds)
{
    static const struct {
        const char *text;
        unsigned column;
    } CASES[] = {
        {"on_proven=", 11},
        {"on_proven=rais", 11},
        {"on_proven=raised", 11},
        {"on_proven=Raise", 11},
        {"on_proven=raise|exit", 11},
        {"on_proven=|", 11},
        {"on_proven==raise", 11},
        {"on_proven= no", 12},
        {"inline_futex=", 14},
        {"inline_futex=2", 14},
        {"inline_futex=01", 14},
        {"inline_futex=yes", 14},
        {"hang_seconds=", 14},
        {"hang_seconds=.", 14},
        {"hang_seconds=0", 14},
        {"hang_seconds=0.049", 14},
        {"hang_seconds=86400.001", 14},
        {"hang_seconds=86401", 14},
        {"hang_seconds=1.0001", 14},
        {"hang_seconds=1.0000", 14},
        {"hang_seconds=-1", 14},
        {"hang_seconds=+1", 14},
        {"hang_seconds=1e3", 14},
        {"hang_seconds=1.2.3", 14},
        {"hang_seconds=1..2", 14},
        {"hang_seconds=0x10", 14},
        {"hang_seconds=inf", 14},
        {"hang_seconds=1 s", 14},
        {"hang_seconds=1\n", 14},
        {"hang_seconds=4294967297", 14},
        {"hang_seconds=99999999999999999999999999", 14},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        parse(CASES[i].text);
        cr_assert_eq(problem.count, 1, "\"%s\"", CASES[i].text);
        cr_assert_eq(problem.line, 1);
        cr_assert_eq(problem.column, CASES[i].column, "\"%s\": %u", CASES[i].text, problem.column);
        cr_assert(are_defaults(), "\"%s\"", CASES[i].text);
    }
}

Test(options, the_place_of_every_other_kind_of_error)
{
    static const struct {
        const char *text;
        unsigned column, count;
    } CASES[] = {
        {"", 1, 1},
        {"  ", 3, 1},
        {"=", 1, 1},
        {"=1", 1, 1},
        {"raise", 1, 1},
        {"hang_seconds", 1, 1},
        {"hang_second=1", 1, 1},
        {"Hang_seconds=1", 1, 1},
        {"hang_seconds =1", 1, 1},
        {"hang_seconds=1,", 16, 1},
        {",hang_seconds=1", 1, 1},
        {"hang_seconds=1,,inline_futex=1", 16, 1},
        {"hang_seconds=1, x=2", 17, 1},
        {"hang_seconds=1,  inline_futex= 7", 32, 1},
        {"a,b=,hang_seconds=1,on_proven=c", 1, 3},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        parse(CASES[i].text);
        cr_assert_eq(problem.count, CASES[i].count, "\"%s\"", CASES[i].text);
        cr_assert_eq(problem.column, CASES[i].column, "\"%s\": %u", CASES[i].text, problem.column);
    }
}

Test(options, blanks_around_entries_and_before_values)
{
    parse(" hang_seconds= 2 ,\ton_proven=exit\t, inline_futex=1\r");
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    cr_assert(options.hang_milliseconds == 2000 && options.on_proven == FP_ON_PROVEN_EXIT &&
              options.inline_futex);
}

Test(options, the_last_entry_of_a_key_counts)
{
    parse("hang_seconds=1,on_proven=abort,hang_seconds=2,on_proven=report");
    cr_assert(problem.count == 0 && options.hang_milliseconds == 2000);
    cr_assert(options.on_proven == FP_ON_PROVEN_REPORT);
    parse("hang_seconds=1,hang_seconds=no");
    cr_assert(problem.count == 1 && options.hang_milliseconds == 1000, "a bad one is no entry");
}

Test(options, good_entries_beside_bad_ones_hold)
{
    parse("x=1,hang_seconds=5,on_proven=rise,inline_futex=1");
    cr_assert(problem.count == 2 && problem.column == 1);
    cr_assert(options.hang_milliseconds == 5000 && options.inline_futex);
    cr_assert(options.on_proven == FP_ON_PROVEN_RAISE);
}

Test(options, what_is_not_named_stays_as_it_was)
{
    parse("inline_futex=1");
    fp_options_parse(&options, fp_slice_of("on_proven=exit"), &problem);
    cr_assert(options.inline_futex && options.on_proven == FP_ON_PROVEN_EXIT);
}

Test(options, the_text_ends_where_its_length_says)
{
    memset(&problem, 0, sizeof problem);
    fp_options_default(&options);
    fp_options_parse(&options, (struct fp_slice){"hang_seconds=12", 14}, &problem);
    cr_assert(problem.count == 0 && options.hang_milliseconds == 1000);
}

Test(options, messages_name_what_is_allowed)
{
    parse("on_prov=raise");
    cr_assert_str_eq(problem.message, "unknown key \"on_prov\" (known: on_proven, hang_seconds, "
                                      "grace_seconds, quiesce_ms, sever, quiet, replace_fork, inline_futex)");
    parse("on_proven=rise");
    cr_assert_str_eq(problem.message,
                     "bad value \"rise\" for on_proven (allowed: raise|exit|abort|report)");
    parse("hang_seconds=0");
    cr_assert_str_eq(problem.message, "bad value \"0\" for hang_seconds (allowed: 0.05 to 86400, "
                                      "at most 3 decimals)");
    parse("inline_futex=on");
    cr_assert_str_eq(problem.message, "bad value \"on\" for inline_futex (allowed: 0|1)");
    parse("inline_futex");
    cr_assert_str_eq(problem.message, "no '=' in \"inline_futex\" (an entry is KEY=VALUE)");
    parse("inline_futex=1,");
    cr_assert_str_eq(problem.message, "empty entry (an entry is KEY=VALUE)");
}

Test(options, a_bad_word_is_quoted_safely_and_leaves_room_for_the_rest)
{
    static const char *const KINDS[] = {"", "=x", "hang_seconds="};
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        char text[700];
        bool is_value = i == 2;
        size_t length = strlen(KINDS[i]);
        memset(text, '\xff', sizeof text);
        memcpy(is_value ? text : text + 600, KINDS[i], length);
        text[600 + (is_value ? 0 : length)] = '\0';
        parse(text);
        cr_assert_eq(problem.count, 1);
        cr_assert(strstr(problem.message, "\\xff..."), "%s", problem.message);
        cr_assert_eq(problem.message[strlen(problem.message) - 1], ')', "%s", problem.message);
    }
    parse("on\033[31m=1");
    cr_assert(strstr(problem.message, "\"on\\x1b[31m\""), "%s", problem.message);
}
