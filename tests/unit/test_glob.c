/* Globs, against a matcher too simple to be wrong. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/glob.h"

#include <stdio.h>
#include <string.h>

static bool well_formed(const char *glob)
{
    size_t offset;
    return !fp_glob_check(fp_slice_of(glob), &offset);
}

static bool matches(const char *glob, const char *subject)
{
    return fp_glob_match(fp_slice_of(glob), fp_slice_of(subject));
}

/* One set against one byte, for well-formed globs only; *end is set behind it. */
static bool reference_set(const char *set, char c, const char **end)
{
    bool negated = set[1] == '!', found = false;
    const char *at = set + 1 + negated, *first = at;
    for (; *at != ']' || at == first; at++) {
        unsigned char low = (unsigned char)*at, high = low;
        if (at[1] == '-' && at[2] != ']') {
            high = (unsigned char)at[2];
            at += 2;
        }
        found |= low <= (unsigned char)c && (unsigned char)c <= high;
    }
    *end = at + 1;
    return found != negated;
}

static bool reference(const char *glob, const char *subject)
{
    const char *next = glob + 1;
    if (!*glob)
        return !*subject;
    if (*glob == '*')
        return reference(next, subject) || (*subject && reference(glob, subject + 1));
    if (!*subject)
        return false;
    if (*glob == '[')
        return reference_set(glob, *subject, &next) && reference(next, subject + 1);
    if (*glob == '\\')
        return glob[1] == *subject && reference(glob + 2, subject + 1);
    return (*glob == '?' || *glob == *subject) && reference(next, subject + 1);
}

/* The nth string over an alphabet, by length; false behind the last one of `longest` bytes. */
static bool nth_string(unsigned long n, const char *alphabet, size_t longest, char *out)
{
    unsigned long base = strlen(alphabet), count = 1;
    size_t length = 0;
    for (; n >= count; length++, count *= base)
        n -= count;
    if (length > longest)
        return false;
    for (size_t i = 0; i < length; i++, n /= base)
        out[i] = alphabet[n % base];
    out[length] = '\0';
    return true;
}

Test(glob, agrees_with_the_reference_on_every_short_glob, .timeout = 60)
{
    char glob[8], subject[8];
    unsigned long compared = 0;
    for (unsigned long g = 0; nth_string(g, "a/*?[]!-\\", 5, glob); g++) {
        bool sound = well_formed(glob);
        for (unsigned long s = 0; nth_string(s, "a/]-", 3, subject); s++, compared++) {
            bool want = sound && reference(glob, subject);
            cr_assert_eq(matches(glob, subject), want, "\"%s\" on \"%s\"", glob, subject);
        }
    }
    cr_assert_gt(compared, 1000000UL);
}

Test(glob, agrees_with_the_reference_on_longer_random_ones)
{
    unsigned long state = 88172645463325252UL;
    for (int round = 0; round < 300000; round++) {
        char glob[12], subject[16];
        size_t length[2];
        for (int which = 0; which < 2; which++) {
            char *out = which ? subject : glob;
            const char *alphabet = which ? "abc/" : "ab**?c[b]/";
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            length[which] = state % (which ? 15 : 11);
            for (size_t i = 0; i < length[which]; i++) {
                state ^= state << 13, state ^= state >> 7, state ^= state << 17;
                out[i] = alphabet[(state >> 20) % strlen(alphabet)];
            }
            out[length[which]] = '\0';
        }
        bool want = well_formed(glob) && reference(glob, subject);
        cr_assert_eq(matches(glob, subject), want, "\"%s\" on \"%s\"", glob, subject);
    }
}

Test(glob, a_malformed_glob_matches_nothing_and_says_where)
{
    static const struct {
        const char *glob;
        size_t offset;
    } CASES[] = {{"[", 0},    {"a[", 1}, {"ab[!", 2}, {"[]", 0},    {"[!]", 0},
                 {"*[a-", 1}, {"\\", 0}, {"ab\\", 2}, {"[a]\\", 3}, {"[a][b", 3}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t offset = 99;
        cr_assert(fp_glob_check(fp_slice_of(CASES[i].glob), &offset), "%s", CASES[i].glob);
        cr_assert_eq(offset, CASES[i].offset, "%s: %zu", CASES[i].glob, offset);
        for (const char *const *s =
                 (const char *const[]){"", "a", "ab", "[", "\\", CASES[i].glob, NULL};
             *s; s++)
            cr_assert(!matches(CASES[i].glob, *s), "\"%s\" on \"%s\"", CASES[i].glob, *s);
    }
}

Test(glob, star_crosses_slashes)
{
    cr_assert(matches("*/deltalake/_internal*.so",
                      "/v/lib/python3.11/site-packages/deltalake/_internal.abi3.so"));
    cr_assert(!matches("*/deltalake/_internal*.so",
                       "/v/lib/python3.11/site-packages/datafusion/_internal.abi3.so"));
}

Test(glob, bytes_above_127_are_unsigned)
{
    cr_assert(matches("[\x80-\xff]", "\xc3"));
    cr_assert(!matches("[!\x80-\xff]", "\xc3"));
    cr_assert(matches("??", "\xc3\xa9"));
}

Test(glob, many_stars_end_in_time, .timeout = 10)
{
    char glob[2001], subject[4001];
    for (size_t i = 0; i < 2000; i++)
        glob[i] = i % 2 ? 'a' : '*';
    glob[1999] = 'b';
    glob[2000] = '\0';
    memset(subject, 'a', 4000);
    subject[4000] = '\0';
    cr_assert(!matches(glob, subject));
}

Test(glob, a_byte_that_stands_for_itself_is_found)
{
    static const struct {
        const char *glob;
        int at; /* -1: not there */
    } CASES[] = {{"a@b", 1}, {"a", -1},     {"", -1},   {"a\\@b@", 4}, {"a[@]b@c", 5},
                 {"[@", 1},  {"a[x]@y", 4}, {"\\", -1}, {"[]@]@", 4},  {"[!@]", -1}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *found = fp_glob_find(fp_slice_of(CASES[i].glob), '@');
        cr_assert_eq(found ? (int)(found - CASES[i].glob) : -1, CASES[i].at, "%s", CASES[i].glob);
    }
}
