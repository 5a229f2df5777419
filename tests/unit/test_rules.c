/* The policy string. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/rules.h"

#include <string.h>

static struct fp_rules rules;
static struct fp_problem problem;

static void parse(const char *text)
{
    rules.count = 0;
    memset(&problem, 0, sizeof problem);
    fp_rules_parse(&rules, fp_slice_of(text), 1, 1, &problem);
}

Test(rules, every_action_bare_and_with_a_pattern)
{
    for (int a = 0; a < FP_ACTION_COUNT; a++) {
        char buffer[64];
        struct fp_text text = FP_TEXT(buffer);
        const char *name = fp_action_name((enum fp_action)a);
        bool is_start = a == FP_ACTION_SPAWN || a == FP_ACTION_FORKSERVER;
        fp_text_format(&text, "%s,%s:x*", name, name);
        parse(buffer);
        if (is_start) {
            cr_assert(problem.count == 1 && rules.count == 1);
            cr_assert(strstr(problem.message, "no pattern"));
            cr_assert_eq(problem.column, strlen(name) * 2 + 3);
            continue;
        }
        cr_assert(problem.count == 0 && rules.count == 2);
        cr_assert_eq((int)rules.rules[0].action, a);
        cr_assert_eq(rules.rules[0].pattern.length, 0);
        cr_assert_eq((int)rules.rules[1].action, a);
        cr_assert(fp_slice_is(rules.rules[1].pattern, "x*"));
    }
}

Test(rules, entries_keep_their_order_and_place)
{
    parse("reset, refuse:polars ,off:/a:b.so");
    cr_assert(problem.count == 0 && rules.count == 3);
    cr_assert_eq(rules.rules[0].column, 1);
    cr_assert_eq(rules.rules[1].column, 8);
    cr_assert(fp_slice_is(rules.rules[1].pattern, "polars"));
    cr_assert_eq(rules.rules[2].column, 23);
    cr_assert(fp_slice_is(rules.rules[2].pattern, "/a:b.so"), "only the first ':' divides");
}

Test(rules, a_number_sign_of_a_pattern_can_be_written)
{
    parse("off:a[#]b,off:a\\#b");
    cr_assert(problem.count == 0 && rules.count == 2, "%s", problem.message);
}

Test(rules, the_place_of_every_kind_of_error)
{
    static const struct {
        const char *text;
        unsigned column, count;
        size_t kept;
    } CASES[] = {
        {"", 1, 1, 0},
        {"refuse:polars # why,off", 15, 1, 1},
        {"off:a#b", 6, 1, 0},
        {"  ", 3, 1, 0},
        {"abort", 1, 1, 0},
        {"WARN", 1, 1, 0},
        {"warn :x", 1, 1, 0},
        {"warn,,off", 6, 1, 2},
        {"warn,", 6, 1, 1},
        {",warn", 1, 1, 1},
        {"warn, abort:x", 7, 1, 1},
        {"warn:", 6, 1, 0},
        {"off,warn:a[b", 11, 1, 1},
        {"warn:ab\\", 8, 1, 0},
        {":x", 1, 1, 0},
        {"a,b,warn,c", 1, 3, 1},
        {"warn\n", 1, 1, 0},
        {"off@", 5, 1, 0},
        {"off:@a.py", 5, 1, 0},
        {"off:polars@", 12, 1, 0},
        {"off:polars@ ", 12, 1, 0},
        {"warn,off:polars @ a.py:1:2", 25, 1, 1},
        {"off:a[b@c", 6, 1, 0},
        {"off:polars@a[b", 13, 1, 0},
        {"off@a.py:", 10, 1, 0},
        {"off:polars@a#b", 13, 1, 0},
        {"of@a.py", 1, 1, 0},
        {"spawn@a.py", 6, 1, 0},
        {"carry:polars@a.py", 7, 1, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        parse(CASES[i].text);
        cr_assert_eq(problem.count, CASES[i].count, "\"%s\"", CASES[i].text);
        cr_assert_eq(problem.line, 1);
        cr_assert_eq(problem.column, CASES[i].column, "\"%s\": %u", CASES[i].text, problem.column);
        cr_assert_eq(rules.count, CASES[i].kept, "\"%s\"", CASES[i].text);
        cr_assert_gt(strlen(problem.message), 10);
    }
}

Test(rules, an_empty_entry_is_told_in_words_alone_and_not_with_stack_garbage)
{
    parse("warn,,off");
    cr_assert_str_eq(problem.message, "empty entry (an entry is ACTION[:PATTERN][@PLACE])");
}

Test(rules, a_bad_word_is_quoted_safely)
{
    parse("warn,a\033[31m\xff");
    cr_assert(strstr(problem.message, "\"a\\x1b[31m\\xff\""), "%s", problem.message);
    char longest[600];
    memset(longest, '\xff', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    parse(longest);
    cr_assert_lt(strlen(problem.message), sizeof problem.message);
}

Test(rules, line_and_column_of_the_caller_are_the_origin)
{
    rules.count = 0;
    memset(&problem, 0, sizeof problem);
    fp_rules_parse(&rules, fp_slice_of("off,bad"), 3, 8, &problem);
    cr_assert(problem.line == 3 && problem.column == 12);
    cr_assert(rules.rules[0].line == 3 && rules.rules[0].column == 8);
}

Test(rules, the_257th_entry_is_told_and_left_out)
{
    static char text[8 * (FP_RULES_MAX + 2)];
    size_t length = 0;
    for (int i = 0; i < FP_RULES_MAX; i++) {
        memcpy(text + length, "off:a,", 6);
        length += 6;
    }
    text[length - 1] = '\0';
    parse(text);
    cr_assert(rules.count == FP_RULES_MAX && problem.count == 0);
    memcpy(text + length - 1, ",off:b,off:c", 13);
    parse(text);
    cr_assert(rules.count == FP_RULES_MAX && problem.count == 2);
    cr_assert_eq(problem.column, length + 1);
    cr_assert(fp_slice_is(rules.rules[FP_RULES_MAX - 1].pattern, "a"));
}

Test(rules, parsing_twice_adds)
{
    parse("off");
    fp_rules_parse(&rules, fp_slice_of("warn"), 2, 1, &problem);
    cr_assert(rules.count == 2 && rules.rules[1].action == FP_ACTION_WARN);
}

Test(rules, names_round_trip_and_near_misses_do_not)
{
    enum fp_action action = FP_ACTION_COUNT;
    enum fp_class class = FP_CLASS_COUNT;
    for (int a = 0; a < FP_ACTION_COUNT; a++)
        cr_assert(fp_action_parse(fp_slice_of(fp_action_name((enum fp_action)a)), &action) &&
                  (int)action == a);
    for (int c = 0; c < FP_CLASS_COUNT; c++)
        cr_assert(fp_class_parse(fp_slice_of(fp_class_name((enum fp_class)c)), &class) &&
                  (int)class == c);
    static const char *const MISSES[] = {"", "of", "offf", "Off", " off", "warning"};
    for (size_t i = 0; i < sizeof MISSES / sizeof *MISSES; i++)
        cr_assert(!fp_action_parse(fp_slice_of(MISSES[i]), &action));
}

Test(rules, a_place_with_and_without_a_pattern)
{
    parse("off:polars@tests/test_pool.py:*, warn@*/vendored/*.py ,off:a[@]b, fail : x @ y.py : f");
    cr_assert(problem.count == 1 && problem.column == 67, "\"fail \" is no action");
    parse("off:polars@tests/test_pool.py:*, warn @ */vendored/*.py ,off:a[@]b,fail:x @ y.py : f");
    cr_assert(problem.count == 0 && rules.count == 4, "%s", problem.message);
    cr_assert(fp_slice_is(rules.rules[0].pattern, "polars"));
    cr_assert(fp_slice_is(rules.rules[0].place.file, "tests/test_pool.py"));
    cr_assert(fp_slice_is(rules.rules[0].place.within, "*"));
    cr_assert(!rules.rules[1].pattern.length && !fp_rule_is_bare(&rules.rules[1]));
    cr_assert(fp_slice_is(rules.rules[1].place.file, "*/vendored/*.py"));
    cr_assert(!rules.rules[1].place.within.length);
    cr_assert(fp_slice_is(rules.rules[2].pattern, "a[@]b") && !rules.rules[2].place.file.length);
    cr_assert(fp_slice_is(rules.rules[3].pattern, "x"));
    cr_assert(fp_slice_is(rules.rules[3].place.within, "f"));
}

Test(rules, an_allow_line)
{
    static const struct {
        const char *text, *pattern, *file, *reason;
    } CASES[] = {
        {"polars because the child only execs", "polars", "", "the child only execs"},
        {"polars @ tests/a.py:*  because it is a test", "polars", "tests/a.py", "it is a test"},
        {"@a.py\tbecause of #12", "", "a.py", "of #12"},
        {"because* because because", "because*", "", "because"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fp_rule rule = {.line = 1};
        size_t offset;
        const char *wrong = fp_rule_allow(&rule, fp_slice_of(CASES[i].text), &offset);
        cr_assert_null(wrong, "%s: %s", CASES[i].text, wrong);
        cr_assert_eq((int)rule.action, FP_ACTION_OFF);
        cr_assert(fp_slice_is(rule.pattern, CASES[i].pattern));
        cr_assert(fp_slice_is(rule.place.file, CASES[i].file));
        cr_assert(fp_slice_is(rule.reason, CASES[i].reason));
    }
}

Test(rules, the_column_of_every_error_in_an_allow_line)
{
    static const struct {
        const char *text;
        unsigned column;
    } CASES[] = {{"", 7},
                 {"because of it", 7},
                 {"polars", 13},
                 {"polars since always", 26},
                 {"polars because", 21},
                 {"polars because  ", 23},
                 {"po[lars because x", 9},
                 {"polars @ because x", 15},
                 {"polars @ a.py:1:2 because x", 22},
                 {"polars #x because y", 14}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        rules.count = 0;
        memset(&problem, 0, sizeof problem);
        fp_rules_allow(&rules, fp_slice_of(CASES[i].text), 3, 7, &problem);
        cr_assert(problem.count == 1 && problem.line == 3 && !rules.count, "%s", CASES[i].text);
        cr_assert_eq(problem.column, CASES[i].column, "%s: %u", CASES[i].text, problem.column);
    }
}
