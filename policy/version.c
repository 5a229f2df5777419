/* See version.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/version.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes one number and a following '.', if a number comes after it; 0 where there is none. */
static unsigned long next_number(struct fp_slice *rest)
{
    unsigned long number = 0;
    size_t at = 0;
    for (; at < rest->length && is_digit(rest->text[at]); at++)
        if (number < 1000000000UL) /* dates (20260101) fit; longer ones compare as equal */
            number = number * 10 + (unsigned long)(rest->text[at] - '0');
    bool more =
        at && at + 1 < rest->length && rest->text[at] == '.' && is_digit(rest->text[at + 1]);
    size_t taken = more ? at + 1 : rest->length;
    rest->text += taken;
    rest->length -= taken;
    return number;
}

bool fp_version_valid(struct fp_slice version)
{
    return version.length && is_digit(version.text[0]);
}

int fp_version_compare(struct fp_slice a, struct fp_slice b)
{
    while (a.length || b.length) {
        unsigned long left = next_number(&a), right = next_number(&b);
        if (left != right)
            return left < right ? -1 : 1;
    }
    return 0;
}
