/*
 * The calls of prepare lines: what they hold, and where they are wrong.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "policy/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fp_call call;
static size_t offset;

/* From a copy that ends where the text does, so that a sanitizer sees what is read behind it. */
static const char *parse(const char *text)
{
    static char *copy;
    size_t length = strlen(text);
    free(copy);
    copy = malloc(length ? length : 1);
    memcpy(copy, text, length);
    memset(&call, 0xaa, sizeof call);
    offset = 999;
    return fp_call_parse((struct fp_slice){copy, length}, &call, &offset);
}

static void expect_good(const char *text, const char *name, size_t count)
{
    const char *wrong = parse(text);
    cr_assert_null(wrong, "%s: %s at %zu", text, wrong, offset);
    cr_assert(fp_slice_is(call.name, name), "%s: %.*s", text, (int)call.name.length,
              call.name.text);
    cr_assert_eq(call.count, count, "%s: %zu", text, call.count);
}

/* `want` is how what is wrong begins. */
static void expect_bad(const char *text, size_t at, const char *want)
{
    const char *wrong = parse(text);
    cr_assert(wrong && strncmp(wrong, want, strlen(want)) == 0, "\"%s\": %s", text,
              wrong ? wrong : "nothing is wrong");
    cr_assert_eq(offset, at, "\"%s\": at %zu, not %zu", text, offset, at);
}

Test(call, every_type_has_its_value)
{
    expect_good("_f1(int 1, long 2, double 2.5, pointer 0x1f, string \"a b\")", "_f1", 5);
    const struct fp_argument *arguments = call.arguments;
    cr_expect(arguments[0].type == FP_TYPE_INT && arguments[0].number == 1);
    cr_expect(arguments[1].type == FP_TYPE_LONG && arguments[1].number == 2);
    cr_expect(arguments[2].type == FP_TYPE_DOUBLE && arguments[2].real == 2.5);
    cr_expect(arguments[3].type == FP_TYPE_POINTER && arguments[3].number == 31);
    cr_expect(arguments[4].type == FP_TYPE_STRING && fp_slice_is(arguments[4].string, "a b"));
}

Test(call, what_a_type_does_not_use_is_empty)
{
    expect_good("f(string \"x\", int 7)", "f", 2);
    cr_expect(call.arguments[0].number == 0 && call.arguments[0].real == 0);
    cr_expect(call.arguments[1].real == 0 && fp_slice_is(call.arguments[1].string, ""));
}

Test(call, blanks_stand_anywhere_between_words_or_nowhere)
{
    static const char *const TEXTS[] = {"f(int 1,pointer null)", "f(int 1, pointer null)",
                                        " f ( int  1 ,\tpointer\tnull ) ",
                                        "\tf(int\t1,pointer null)\t", "f(int 1 ,pointer null )"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        expect_good(TEXTS[i], "f", 2);
        cr_expect(call.arguments[0].number == 1 && call.arguments[1].number == 0);
    }
    expect_good("f()", "f", 0);
    expect_good("f( )", "f", 0);
    expect_good("f (\t) ", "f", 0);
}

Test(call, a_string_is_taken_as_it_is)
{
    static const char *const STRINGS[] = {"",  " ",        "  a, b) ", "\\n",
                                          "'", "\xff\x01", "int 1",    "("};
    for (size_t i = 0; i < sizeof STRINGS / sizeof *STRINGS; i++) {
        char text[64];
        snprintf(text, sizeof text, "f(string \"%s\", int 3)", STRINGS[i]);
        expect_good(text, "f", 2);
        cr_expect(fp_slice_is(call.arguments[0].string, STRINGS[i]), "%s", text);
        cr_expect_eq(call.arguments[1].number, 3);
    }
}

static void with_string(char *text, size_t length)
{
    strcpy(text, "f(string \"");
    memset(text + 10, 's', length);
    strcpy(text + 10 + length, "\")");
}

Test(call, the_longest_string_is_one_byte_shorter_than_its_room)
{
    char text[FP_STRING_MAX + 40];
    with_string(text, FP_STRING_MAX - 1);
    expect_good(text, "f", 1);
    cr_expect_eq(call.arguments[0].string.length, FP_STRING_MAX - 1);
    with_string(text, FP_STRING_MAX);
    expect_bad(text, 10, "this string is too long");
}

Test(call, whole_numbers_to_the_limits_of_their_types)
{
    static const struct {
        const char *text;
        int64_t number;
    } CASES[] = {{"f(int 0)", 0},
                 {"f(int -0)", 0},
                 {"f(int 007)", 7},
                 {"f(int -1)", -1},
                 {"f(int  -1 )", -1},
                 {"f(int 2147483647)", INT32_MAX},
                 {"f(int -2147483647)", -INT32_MAX},
                 {"f(int -2147483648)", INT32_MIN},
                 {"f(long 2147483648)", 2147483648},
                 {"f(long -2147483649)", -2147483649},
                 {"f(long 9223372036854775807)", INT64_MAX},
                 {"f(long -9223372036854775807)", -INT64_MAX},
                 {"f(long -9223372036854775808)", INT64_MIN},
                 {"f(pointer null)", 0},
                 {"f(pointer 0x0)", 0},
                 {"f(pointer 0xdeadBEEF)", 0xdeadbeef},
                 {"f(pointer 0x00000000000000000001)", 1},
                 {"f(pointer 0xffffffffffffffff)", -1}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        expect_good(CASES[i].text, "f", 1);
        cr_expect_eq(call.arguments[0].number, CASES[i].number, "%s: %ld", CASES[i].text,
                     (long)call.arguments[0].number);
    }
}

Test(call, real_numbers)
{
    static const struct {
        const char *text;
        double real;
    } CASES[] = {{"f(double 0)", 0},           {"f(double 3)", 3},
                 {"f(double -3)", -3},         {"f(double 1.)", 1},
                 {"f(double 0.5)", 0.5},       {"f(double -0.25)", -0.25},
                 {"f(double 10.125)", 10.125}, {"f(double 00.10)", 0.1},
                 {"f(double 0.001)", 0.001},   {"f(double 1048576)", 1048576}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        expect_good(CASES[i].text, "f", 1);
        double difference = call.arguments[0].real - CASES[i].real;
        cr_expect(difference < 1e-12 && difference > -1e-12, "%s: %g", CASES[i].text,
                  call.arguments[0].real);
    }
}

Test(call, a_number_too_large_is_told_at_the_digit_that_makes_it_so)
{
    static const char WANT[] = "this number is too large for its type";
    expect_bad("f(int 2147483648)", 15, WANT);
    expect_bad("f(int 99999999999)", 15, WANT);
    expect_bad("f(int -2147483649)", 16, WANT);
    expect_bad("f(long 9223372036854775808)", 25, WANT);
    expect_bad("f(long 92233720368547758070)", 26, WANT);
    expect_bad("f(pointer 0x10000000000000000)", 28, WANT);
    expect_bad("f(double 9223372036854775808)", 27, WANT);
    expect_bad("f(int 1, int 2147483650)", 22, WANT);
}

Test(call, what_is_no_number_is_told_where_it_should_stand)
{
    static const char WANT[] = "want a number here";
    expect_bad("f(int )", 6, WANT);
    expect_bad("f(int x)", 6, WANT);
    expect_bad("f(int", 5, WANT);
    expect_bad("f(int -)", 7, WANT);
    expect_bad("f(int --1)", 7, WANT);
    expect_bad("f(int +1)", 6, WANT);
    expect_bad("f(int \"1\")", 6, WANT);
    expect_bad("f(long null)", 7, WANT);
    expect_bad("f(double x)", 9, WANT);
    expect_bad("f(double .5)", 9, WANT);
    expect_bad("f(pointer 0xg)", 12, WANT);
    expect_bad("f(pointer 0x)", 12, WANT);
}

Test(call, a_number_ends_where_its_digits_do)
{
    static const char WANT[] = "want ',' or ')' here";
    expect_bad("f(int 1.5)", 7, WANT);
    expect_bad("f(int 0x10)", 7, WANT);
    expect_bad("f(int 1a)", 7, WANT);
    expect_bad("f(int 1 2)", 8, WANT);
    expect_bad("f(double 1e5)", 10, WANT);
    expect_bad("f(double 1.5.5)", 12, WANT);
    expect_bad("f(pointer 0x1g)", 13, WANT);
    expect_bad("f(int 1", 7, WANT);
    expect_bad("f(int 1;", 7, WANT);
}

Test(call, a_pointer_is_null_or_hexadecimal_nothing_else)
{
    static const char WANT[] = "want null or 0x... here";
    static const char *const VALUES[] = {"NULL", "nullx", "0",    "12", "-0x1",
                                         "0X1",  "x1",    "\"\"", ")"};
    for (size_t i = 0; i < sizeof VALUES / sizeof *VALUES; i++) {
        char text[64];
        snprintf(text, sizeof text, "f(pointer %s)", VALUES[i]);
        expect_bad(text, 10, WANT);
    }
    expect_bad("f(pointer", 9, WANT);
    expect_bad("f(pointer 0x", 10, WANT);
}

Test(call, a_string_needs_both_quotes)
{
    expect_bad("f(string x)", 9, "want a string in double quotes here");
    expect_bad("f(string 'x')", 9, "want a string in double quotes here");
    expect_bad("f(string", 8, "want a string in double quotes here");
    expect_bad("f(string \"x)", 10, "this string has no end");
    expect_bad("f(string \"", 10, "this string has no end");
    expect_bad("f(string \"a\"b\")", 12, "want ',' or ')' here");
}

Test(call, a_type_is_one_of_five_words)
{
    static const char WANT[] = "want a type here";
    static const char *const TYPES[] = {"Int",  "unsigned", "i", "ints", "int1",
                                        "char", "float",    "1", "\"x\""};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        char text[64];
        snprintf(text, sizeof text, "f(int 2, %s 1)", TYPES[i]);
        expect_bad(text, 9, WANT);
    }
    expect_bad("f(", 2, WANT);
    expect_bad("f(,)", 2, WANT);
    expect_bad("f(int 1,)", 8, WANT);
    expect_bad("f(int 1,, int 2)", 8, WANT);
    expect_bad("f(int 1,", 8, WANT);
}

Test(call, eight_arguments_and_not_a_ninth)
{
    expect_good("f(int 1,int 2,int 3,int 4,int 5,int 6,int 7,int 8)", "f", FP_ARGUMENTS_MAX);
    for (int i = 0; i < FP_ARGUMENTS_MAX; i++)
        cr_expect_eq(call.arguments[i].number, i + 1);
    expect_bad("f(int 1,int 2,int 3,int 4,int 5,int 6,int 7,int 8,int 9)", 50,
               "a call has 8 arguments at most");
    expect_bad("f(int 1,int 2,int 3,int 4,int 5,int 6,int 7,int 8, int 9)", 51,
               "a call has 8 arguments at most");
}

Test(call, the_name_and_what_stands_around_the_arguments)
{
    static const char WANT_NAME[] = "want the name of a function here";
    static const char WANT_OPEN[] = "want '(' behind the function's name";
    static const char WANT_END[] = "want the end of the line here";
    expect_bad("", 0, WANT_NAME);
    expect_bad("  ", 2, WANT_NAME);
    expect_bad("(int 1)", 0, WANT_NAME);
    expect_bad(" 1f()", 1, WANT_NAME);
    expect_bad("f", 1, WANT_OPEN);
    expect_bad("f int 1", 2, WANT_OPEN);
    expect_bad("f-g()", 1, WANT_OPEN);
    expect_bad("f@V1()", 1, WANT_OPEN);
    expect_bad("f() x", 4, WANT_END);
    expect_bad("f();", 3, WANT_END);
    expect_bad("f(int 1))", 8, WANT_END);
    expect_bad("f()  g()", 5, WANT_END);
    expect_bad("f() # why", 4, WANT_END);
}

/* However it is cut, it is told where, and never good by chance. */
Test(call, each_beginning_of_a_call_is_wrong_at_a_byte_of_it)
{
    static const char WHOLE[] = "name(int -12, long 3, double 1.5, pointer 0xff, string \"a b\")";
    char text[sizeof WHOLE];
    for (size_t length = 0; length < sizeof WHOLE - 1; length++) {
        memcpy(text, WHOLE, length);
        text[length] = '\0';
        cr_expect(parse(text), "\"%s\"", text);
        cr_expect_leq(offset, length, "\"%s\": %zu", text, offset);
    }
    expect_good(WHOLE, "name", 5);
}
