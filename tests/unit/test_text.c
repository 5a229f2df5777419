/* Bounded text never overruns and never lies. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/text.h"

#include <stdio.h>
#include <string.h>

enum { ROOM = 24, GUARD = 16 };

struct guarded {
    char before[GUARD], data[ROOM], after[GUARD];
};

static void check_guards(const struct guarded *guarded, const struct fp_text *text)
{
    for (size_t i = 0; i < GUARD; i++) {
        cr_assert_eq(guarded->before[i], 'C');
        cr_assert_eq(guarded->after[i], 'C');
    }
    cr_assert_lt(text->length, text->size);
    cr_assert_eq(text->data[text->length], '\0');
    for (size_t i = text->size; i < ROOM; i++)
        cr_assert_eq(guarded->data[i], 'C');
}

Test(text, every_writer_stays_inside_every_size)
{
    static const char HARD[] = "a\"\\\n\x01\x7f\xff\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc0\xaf z";
    for (size_t size = 1; size <= ROOM; size++) {
        for (size_t length = 0; length < sizeof HARD; length++) {
            for (int writer = 0; writer < 4; writer++) {
                struct guarded guarded;
                memset(&guarded, 'C', sizeof guarded);
                guarded.data[0] = '\0';
                struct fp_text text = {.data = guarded.data, .size = size};
                struct fp_slice slice = {HARD, length};
                for (int twice = 0; twice < 2; twice++) {
                    if (writer == 0)
                        fp_text_append(&text, slice.text, slice.length);
                    else if (writer == 1)
                        fp_text_quote(&text, slice, length);
                    else if (writer == 2)
                        fp_text_json(&text, slice);
                    else
                        fp_text_format(&text, "%.*s|%ld", FP_SLICE(slice), -12345678901L);
                }
                check_guards(&guarded, &text);
            }
        }
    }
}

Test(text, cut_is_set_exactly_when_something_is_missing)
{
    for (size_t length = 0; length < 12; length++) {
        char buffer[8];
        struct fp_text text = FP_TEXT(buffer);
        fp_text_append(&text, "0123456789ab", length);
        cr_assert_eq(text.cut, length > 7, "%zu", length);
        cr_assert_eq(text.length, length > 7 ? 7 : length);
        fp_text_append(&text, "", 0);
        cr_assert_eq(text.cut, length > 7);
        fp_text_reset(&text);
        cr_assert(!text.cut && text.length == 0 && buffer[0] == '\0');
    }
}

Test(text, a_cut_never_leaves_half_a_character)
{
    for (size_t size = 2; size < 16; size++) {
        char buffer[16];
        struct fp_text text = {.data = buffer, .size = size};
        fp_text_append(&text, "x\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xe2\x82\xac", 12);
        size_t want = size <= 5 ? 1 : size <= 9 ? 5 : size <= 12 ? 9 : 12;
        cr_assert_eq(text.length, want, "size %zu: %zu", size, text.length);
    }
}

Test(text, format_agrees_with_printf)
{
    static const long NUMBERS[] = {0,
                                   1,
                                   -1,
                                   9,
                                   10,
                                   2147483647L,
                                   -2147483647L - 1,
                                   9223372036854775807L,
                                   -9223372036854775807L - 1};
    for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++) {
        char ours[200], theirs[200];
        struct fp_text text = FP_TEXT(ours);
        long n = NUMBERS[i];
        fp_text_format(&text, "a%%%d|%u|%ld|%lu|%zu|%x|%lx|%s|%.*s|%c%%", (int)n, (unsigned)n, n,
                       (unsigned long)n, (size_t)n, (unsigned)n, (unsigned long)n, "str", 2, "cut",
                       'x');
        snprintf(theirs, sizeof theirs, "a%%%d|%u|%ld|%lu|%zu|%x|%lx|%s|%.*s|%c%%", (int)n,
                 (unsigned)n, n, (unsigned long)n, (size_t)n, (unsigned)n, (unsigned long)n, "str", 2,
                 "cut", 'x');
        cr_assert_str_eq(ours, theirs);
    }
}

Test(text, quote_of_nothing_is_a_terminated_empty_text)
{
    char buffer[8];
    memset(buffer, 'X', sizeof buffer);
    struct fp_text text = FP_TEXT(buffer);
    fp_text_quote(&text, (struct fp_slice){"", 0}, 32);
    cr_assert_str_eq(buffer, "");
}

Test(text, quote_shows_no_control_byte_and_no_invalid_utf8)
{
    static const struct {
        const char *in, *out;
    } CASES[] = {
        {"plain", "plain"},
        {"a\nb\033[31m\r\t", "a\\x0ab\\x1b[31m\\x0d\\x09"},
        {"\x7f", "\\x7f"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"\xc3", "\\xc3"},                            /* cut */
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong */
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* behind U+10FFFF */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\x80\xff", "\\x80\\xff"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char buffer[64];
        struct fp_text text = FP_TEXT(buffer);
        fp_text_quote(&text, fp_slice_of(CASES[i].in), 100);
        cr_assert_str_eq(buffer, CASES[i].out);
    }
}

Test(text, quote_says_what_it_left_out)
{
    char buffer[64];
    struct fp_text text = FP_TEXT(buffer);
    fp_text_quote(&text, fp_slice_of("abcdef"), 6);
    cr_assert_str_eq(buffer, "abcdef");
    fp_text_reset(&text);
    fp_text_quote(&text, fp_slice_of("abcdefg"), 6);
    cr_assert_str_eq(buffer, "abcdef...");
    fp_text_reset(&text);
    fp_text_quote(&text, fp_slice_of("a\xc3\xa9z"), 2);
    cr_assert_str_eq(buffer, "a\\xc3...");
}

Test(text, json_escapes_what_json_forbids_and_replaces_invalid_utf8)
{
    char buffer[128];
    struct fp_text text = FP_TEXT(buffer);
    fp_text_json(&text, (struct fp_slice){"a\"b\\c\n\x1f\x7f/\xff\xc3\xa9\0z", 14});
    cr_assert_str_eq(buffer, "\"a\\\"b\\\\c\\u000a\\u001f\\u007f/\xef\xbf\xbd\xc3\xa9\\u0000z\"");
}

Test(text, words_partition_a_slice)
{
    struct fp_slice rest = fp_slice_of(" \t one  two\r\tthree \r");
    static const char *const WANT[] = {"one", "two", "three"};
    for (size_t i = 0; i < 3; i++)
        cr_assert(fp_slice_is(fp_slice_word(&rest), WANT[i]));
    struct fp_slice none = fp_slice_word(&rest);
    cr_assert(none.length == 0 && rest.length == 0);
    cr_assert(fp_slice_is(fp_slice_trim(fp_slice_of("  a b\r")), "a b"));
    cr_assert(fp_slice_trim(fp_slice_of(" \t\r ")).length == 0);
    cr_assert(!fp_slice_is(fp_slice_of("ab"), "abc") && !fp_slice_is(fp_slice_of("abc"), "ab"));
    cr_assert_eq(fp_slice_of(NULL).length, 0);
}

Test(text, basename)
{
    cr_assert_str_eq(fp_basename("/a/b.so"), "b.so");
    cr_assert_str_eq(fp_basename("b.so"), "b.so");
    cr_assert_str_eq(fp_basename("/a/"), "");
    cr_assert_str_eq(fp_basename(""), "");
}
