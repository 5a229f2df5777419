/* Versions are an order on release numbers. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/version.h"

static int compare(const char *a, const char *b)
{
    int order = fp_version_compare(fp_slice_of(a), fp_slice_of(b));
    return (order > 0) - (order < 0);
}

/* Rising; those in one row are equal. */
static const char *const LADDER[][6] = {
    {"0", "0.0", "0.0.0", "0rc1"},
    {"0.0.1", "0.0.1.0"},
    {"0.1.71"},
    {"0.1.73", "0.1.73.post1"},
    {"0.9", "0.9.0"},
    {"0.18.2", "0.18.2+cpu", "0.18.2.dev0", "0.18.2rc1", "0.018.2"},
    {"0.19", "0.19.0", "0.19.0a1", "0.19."},
    {"0.19.1"},
    {"0.100"},
    {"1", "1.0", "1-2", "1.x.9"},
    {"1.6.6"},
    {"2.13.0", "2.13+cu126"},
    {"26.0.1"},
    {"2026.9.0", "2026.9"},
    {"20260101"},
};

Test(version, total_order_over_a_ladder)
{
    enum { ROWS = sizeof LADDER / sizeof *LADDER };
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++)
            for (const char *const *a = LADDER[i]; *a; a++)
                for (const char *const *b = LADDER[j]; *b; b++)
                    cr_assert_eq(compare(*a, *b), (i > j) - (i < j), "%s and %s", *a, *b);
}

Test(version, numbers_of_any_length_do_not_overflow)
{
    cr_assert_eq(compare("99999999999999999999999999999999", "1"), 1);
    cr_assert_eq(compare("1", "99999999999999999999999999999999"), -1);
    cr_assert_eq(compare("1.99999999999999999999999999999999", "1.5"), 1);
    cr_assert_eq(compare("00000000000000000000000000000000007", "7"), 0);
}

Test(version, valid_begins_with_a_digit)
{
    static const char *const BAD[] = {"", "v1", ".1", "x", " 1", "-1", "+1"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        cr_assert(!fp_version_valid(fp_slice_of(BAD[i])), "%s", BAD[i]);
    cr_assert(fp_version_valid(fp_slice_of("0")));
    cr_assert(fp_version_valid(fp_slice_of("1.2rc")));
}
