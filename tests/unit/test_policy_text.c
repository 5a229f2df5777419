/* Policy files. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/policy_text.h"

#include <stdlib.h>
#include <string.h>

static struct fp_policy_file file;
static struct fp_problem problem;

static void parse(const char *text)
{
    memset(&problem, 0, sizeof problem);
    fp_policy_file_parse(&file, "t.policy", fp_slice_of(text), &problem);
}

static bool has(const char *name)
{
    for (size_t i = 0; i < file.view.known_count; i++)
        if (fp_slice_is(fp_known_name(&file.view, &file.known[i]), name))
            return true;
    return false;
}

#define GOOD(name) "runtime " name "\n dso */" name "*.so\n class lost\n"

Test(policy_text, every_word_is_kept_with_its_value)
{
    parse("# head\n\nexecs */subprocess.py _execute_child\r\n"
          "runtime one\r\n\tdso */one/a b*.so\r\n  python */one.py\n  thread one-*\n"
          "  class lost when version < 2\n  class survives\n  kind tokio\n"
          "  advice pip install \"one>=2\" # not a comment\n  source one#1\n"
          "policy refuse,off:one\n" GOOD("two"));
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    cr_assert(file.view.known_count == 2 && has("one") && has("two"));
    const struct fp_known *one = &file.known[0];
    static const struct {
        enum fp_word word;
        const char *value;
    } WANT[] = {
        {FP_WORD_DSO, "*/one/a b*.so"}, {FP_WORD_PYTHON, "*/one.py"},
        {FP_WORD_THREAD, "one-*"},      {FP_WORD_CLASS, "lost when version < 2"},
        {FP_WORD_KIND, "tokio"},        {FP_WORD_ADVICE, "pip install \"one>=2\" # not a comment"},
        {FP_WORD_SOURCE, "one#1"}};
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++)
        cr_assert(fp_slice_is(fp_known_value(&file.view, one, WANT[i].word, 0), WANT[i].value));
    cr_assert(fp_slice_is(fp_known_value(&file.view, one, FP_WORD_CLASS, 1), "survives"));
    cr_assert_eq(fp_known_value(&file.view, one, FP_WORD_CLASS, 2).length, 0);
    cr_assert_eq(one->line, 4);
    cr_assert_eq(file.statements[0].word, FP_WORD_EXECS);
    cr_assert(file.rules.count == 2 && file.rules.rules[1].line == 13);
    cr_assert_eq(file.rules.rules[1].column, 15);
}

Test(policy_text, a_comment_behind_a_value_is_none_of_it)
{
    parse("policy refuse:polars,off:a[#]b # why, and \tsince when\n"
          "execs */x.py f # runs a program\n"
          "runtime one # ours\n dso */one*.so\t# all versions\n class lost # seen\n"
          " prepare f(string \"a # b\") # stops them\n"
          " advice see #12 # here\n");
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    cr_assert(file.rules.count == 2 && fp_slice_is(file.rules.rules[0].pattern, "polars"));
    cr_assert(fp_slice_is(file.rules.rules[1].pattern, "a[#]b") && has("one"));
    const struct fp_known *one = &file.known[0];
    cr_assert(fp_slice_is(fp_known_value(&file.view, one, FP_WORD_DSO, 0), "*/one*.so"));
    cr_assert(fp_slice_is(fp_known_value(&file.view, one, FP_WORD_CLASS, 0), "lost"));
    cr_assert(fp_slice_is(fp_known_value(&file.view, one, FP_WORD_ADVICE, 0), "see #12 # here"));
    parse("policy # nothing\n");
    cr_assert(problem.count == 1 && problem.line == 1, "%s", problem.message);
}

Test(policy_text, allow_lines_with_comments_behind_them)
{
    parse("allow polars @ tests/*.py:*  because the child only execs # remark\n"
          "runtime one\n dso x\n class lost\n"
          " allow\tone because of #12, \"a # b\"\t#\n");
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    cr_assert(file.allows.count == 2 && !file.rules.count && has("one"));
    cr_assert(fp_slice_is(file.allows.rules[0].reason, "the child only execs"));
    cr_assert(fp_slice_is(file.allows.rules[1].reason, "of #12, \"a # b\""));
    cr_assert(file.allows.rules[1].line == 5 && file.allows.rules[1].column == 8);
    parse("policy warn\nallow polars # because of it\n");
    cr_assert(problem.count == 1 && problem.line == 2 && problem.column == 13 &&
              !file.allows.count);
}

Test(policy_text, the_line_and_column_of_every_kind_of_error)
{
    static const struct {
        const char *text;
        unsigned line, column;
    } CASES[] = {
        {"\n\npolicy bad", 3, 8},
        {"\n\n      bad x", 3, 7},
        {"# c\n\nfrobnicate", 3, 1},
        {"policy", 1, 7},
        {"policy off, warn:a[", 1, 19},
        {"policy off,\n", 1, 12},
        {"execs", 1, 6},
        {"execs a[b f", 1, 8},
        {"execs <frozen os> f", 1, 19},
        {"runtime", 1, 8},
        {"runtime 1234567890123456789012345678901234567890123456789012345678901234X", 1, 9},
        {"class lost", 1, 7},
        {"runtime a\n dso\n class lost", 2, 5},
        {"runtime a\n dso x[\n class lost", 2, 7},
        {"runtime a\n python \\\n class lost", 2, 9},
        {"runtime a\n dso x\n class dead", 3, 8},
        {"runtime a\n dso x\n class lost when version < x", 3, 28},
        {"runtime a\n dso x\n class lost when environment A=[", 3, 32},
        {"runtime a\n dso x\n class", 3, 7},
        {"runtime a\n dso x\n", 1, 1},
        {"\nruntime a\n class lost\n" GOOD("b"), 2, 1},
        {"policy off\n dso x\n", 2, 6},
        {"\tkind\tx", 1, 7},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        parse(CASES[i].text);
        cr_assert_geq(problem.count, 1, "\"%s\"", CASES[i].text);
        cr_assert(problem.line == CASES[i].line && problem.column == CASES[i].column,
                  "\"%s\": %u:%u %s", CASES[i].text, problem.line, problem.column, problem.message);
    }
}

Test(policy_text, a_nul_byte_is_placed)
{
    static const char TEXT[] = "runtime a\n dso x\0y\n class lost\n" GOOD("b");
    memset(&problem, 0, sizeof problem);
    fp_policy_file_parse(&file, "t", (struct fp_slice){TEXT, sizeof TEXT - 1}, &problem);
    cr_assert(problem.count == 1 && problem.line == 2 && problem.column == 7);
    cr_assert(file.view.known_count == 1 && has("b"));
}

Test(policy_text, a_bad_line_drops_its_whole_runtime_not_the_line_alone_and_nothing_else)
{
    static const char *const BAD[] = {" dso [", " class dead", " nonsense x", " kind", " advice\t"};
    static const char *const PLACES[][3] = {{"%", " dso */b\n", " class lost\n"},
                                            {" dso */b\n", "%", " class lost\n"},
                                            {" dso */b\n", " class lost\n", "%"}};
    for (size_t b = 0; b < sizeof BAD / sizeof *BAD; b++) {
        for (size_t p = 0; p < 3; p++) {
            char buffer[400];
            struct fp_text text = FP_TEXT(buffer);
            fp_text_format(&text, "%sexecs one\nruntime b\n", GOOD("a"));
            for (size_t i = 0; i < 3; i++)
                fp_text_format(&text, "%s%s", *PLACES[p][i] == '%' ? BAD[b] : PLACES[p][i],
                               *PLACES[p][i] == '%' ? "\n" : "");
            fp_text_format(&text, "policy off\n%sexecs two\n", GOOD("c"));
            parse(buffer);
            cr_assert_eq(problem.count, 1);
            cr_assert(file.view.known_count == 2 && has("a") && has("c"));
            cr_assert_eq(file.view.statement_count, 6, "its good lines must go too");
            cr_assert_eq(file.rules.count, 1);
        }
    }
}

Test(policy_text, a_bad_rule_leaves_the_runtimes_around_it)
{
    parse(GOOD("a") "policy bad,off\n" GOOD("b"));
    cr_assert(problem.count == 1 && has("a") && has("b") && file.rules.count == 1);
}

Test(policy_text, a_second_parse_forgets_the_first)
{
    parse(GOOD("a") "policy off\n");
    parse(GOOD("b"));
    cr_assert(file.view.known_count == 1 && has("b") && file.rules.count == 0);
    parse("");
    cr_assert(file.view.known_count == 0 && file.view.statement_count == 0 && !problem.count);
}

Test(policy_text, the_1025th_statement_is_told_and_takes_its_runtime_only)
{
    static char text[64 * FP_STATEMENTS_MAX];
    struct fp_text out = FP_TEXT(text);
    fp_text_format(&out, GOOD("a"));
    for (int i = 0; i < FP_STATEMENTS_MAX - 4; i++)
        fp_text_format(&out, "execs x%d\n", i);
    fp_text_format(&out, "runtime full\n dso x\n class lost\n kind k\n");
    fp_text_format(&out, "execs y\n");
    parse(text);
    cr_assert_eq(problem.count, 1, "%u", problem.count);
    cr_assert_eq(problem.line, 3 + FP_STATEMENTS_MAX - 4 + 4);
    cr_assert_eq(problem.column, 7);
    cr_assert(has("a") && !has("full"));
    cr_assert_eq(file.view.statement_count, FP_STATEMENTS_MAX - 1, "its room is free again");
}

Test(policy_text, the_193rd_runtime_is_told)
{
    static char text[64 * (FP_KNOWN_MAX + 1)];
    struct fp_text out = FP_TEXT(text);
    for (int i = 0; i <= FP_KNOWN_MAX; i++)
        fp_text_format(&out, "runtime r%d\n dso x%d\n class lost\n", i, i);
    parse(text);
    cr_assert_geq(problem.count, 1);
    cr_assert(problem.line == 3 * FP_KNOWN_MAX + 1 && problem.column == 9);
    cr_assert_eq(file.view.known_count, FP_KNOWN_MAX);
    cr_assert(has("r0") && !has("r192"));
}

Test(policy_text, a_line_longer_than_its_length_field_is_told_not_cut)
{
    enum { LONG = 70000 };
    char *text = malloc(LONG + 100);
    memcpy(text, "runtime a\n dso x\n class lost\n advice ", 37);
    memset(text + 37, 'y', LONG);
    memcpy(text + 37 + LONG, "\n" GOOD("b"), sizeof "\n" GOOD("b"));
    parse(text);
    cr_assert(problem.count == 1 && problem.line == 4 && problem.column == 9);
    cr_assert(!has("a") && has("b"));
    free(text);
}

Test(policy_text, no_final_newline_is_needed)
{
    parse("runtime a\n dso x\n class lost");
    cr_assert(problem.count == 0 && has("a"));
}

Test(policy_text, handlers_stand_for_themselves_outside_of_runtimes)
{
    parse(GOOD("a") "handlers */torch/lib/libtorch*.so\r\n\thandlers\t/one.so \n" GOOD("b"));
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    cr_assert(file.view.known_count == 2 && has("a") && has("b"));
    static const char *const WANT[] = {"*/torch/lib/libtorch*.so", "/one.so"};
    size_t found = 0;
    for (size_t i = 0; i < file.view.statement_count; i++) {
        if (file.statements[i].word != FP_WORD_HANDLERS)
            continue;
        cr_assert_lt(found, 2);
        cr_assert(fp_slice_is(fp_statement_value(&file.view, &file.statements[i]), WANT[found++]));
    }
    cr_assert_eq(found, 2);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(file.known[i].count, 2, "they are no lines of the runtime before them");
    parse("runtime a\n dso x\nhandlers y\n class lost\n");
    cr_assert(problem.count == 2 && problem.line == 1 && !has("a"),
              "they end the runtime before them");
}

Test(policy_text, handlers_take_a_glob_a_function_and_nothing_more)
{
    static const struct {
        const char *text;
        unsigned column;
    } CASES[] = {{"handlers", 9},        {"handlers  ", 9},   {"handlers a[b", 11},
                 {"handlers a b c", 14}, {"handlers \\", 10}, {"  handlers a b c", 16},
                 {"exits", 6},           {"exits a b c", 11}, {"helpers", 8},
                 {"wakes", 6},           {"wakes a b c", 11}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        parse(CASES[i].text);
        cr_assert(problem.count == 1 && problem.line == 1 && problem.column == CASES[i].column,
                  "\"%s\": %u at %u: %s", CASES[i].text, problem.count, problem.column,
                  problem.message);
        cr_assert_eq(file.view.statement_count, 0);
    }
    parse(GOOD("a") "handlers a b c\nhandlers good f\nexits good\n" GOOD("b"));
    cr_assert(problem.count == 1 && has("a") && has("b") && file.view.statement_count == 6,
              "the other lines count");
}

Test(policy_text, a_carried_line_names_a_version)
{
    parse("runtime a\n dso x\n class lost\n carried 0.23.3\n carried 1\n");
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    cr_assert_eq(file.view.statement_count, 4);
    parse("runtime a\n dso x\n class lost\n carried here\n");
    cr_assert(problem.count == 1 && problem.line == 4 && problem.column == 10);
    cr_assert_str_eq(problem.message, "want a version such as 0.19 here");
}

Test(policy_text, a_prepare_line_is_kept_with_its_value)
{
    parse("runtime a\n dso x\n class reset\n  prepare\tf(int 1, string \"a # b\") \r\n prepare "
          "g()\n");
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    const struct fp_known *known = &file.known[0];
    cr_expect(fp_slice_is(fp_known_value(&file.view, known, FP_WORD_PREPARE, 0),
                          "f(int 1, string \"a # b\")"));
    cr_expect(fp_slice_is(fp_known_value(&file.view, known, FP_WORD_PREPARE, 1), "g()"));
}

#define PREPARE(call) "runtime a\n dso x\n class reset\n prepare " call "\n" GOOD("b")

Test(policy_text, a_wrong_signature_has_its_line_and_column_and_takes_its_runtime)
{
    static const struct {
        const char *text;
        unsigned column;
    } CASES[] = {{PREPARE(""), 9},
                 {PREPARE("1f()"), 10},
                 {PREPARE("f"), 11},
                 {PREPARE("  f x"), 14},
                 {PREPARE("f(char 1)"), 12},
                 {PREPARE("f(int x)"), 16},
                 {PREPARE("f(int 2147483648)"), 25},
                 {PREPARE("f(int 1"), 17},
                 {PREPARE("f(string \"x)"), 20},
                 {PREPARE("f(pointer 5)"), 20},
                 {PREPARE("f(int 1) x\r"), 19},
                 {PREPARE("f(int 1,int 2,int 3,int 4,int 5,int 6,int 7,int 8,int 9)"), 60}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char message[300], want[40];
        struct fp_text told = FP_TEXT(message), start = FP_TEXT(want);
        parse(CASES[i].text);
        cr_assert(problem.count == 1 && problem.line == 4 && problem.column == CASES[i].column,
                  "\"%s\": %u at %u:%u: %s", CASES[i].text, problem.count, problem.line,
                  problem.column, problem.message);
        cr_assert(!has("a") && has("b") && file.view.statement_count == 2);
        fp_problem_of_file(&told, "t.policy", &problem);
        fp_text_format(&start, "t.policy:4:%u: ", CASES[i].column);
        cr_assert_eq(strncmp(message, want, strlen(want)), 0, "%s", message);
    }
    parse("prepare f()\n");
    cr_assert(problem.count == 1 && problem.line == 1 && problem.column == 9, "no runtime is open");
}
