/* Tests of shim/base/report_once.c. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "shim/base/report_once.h"

Test(once, each_pair_of_site_and_runtime_is_told_once)
{
    cr_expect(fp_once("a.py:1", "polars"));
    cr_expect_not(fp_once("a.py:1", "polars"));
    cr_expect(fp_once("a.py:2", "polars"), "another line");
    cr_expect(fp_once("a.py:1", "lancedb"), "another runtime");
    cr_expect(fp_once("a.py:1polars", ""), "the parts are not run together");
}

Test(once, a_full_set_falls_silent)
{
    char site[32];
    int told = 0;
    for (int i = 0; i < 3000; i++) {
        snprintf(site, sizeof site, "a.py:%d", i);
        told += fp_once(site, "polars");
    }
    cr_expect_eq(told, 1024);
    cr_expect_not(fp_once("a.py:0", "polars"));
}

Test(once, whether_a_pair_was_noted_is_asked_without_noting_it)
{
    fp_once_share();
    cr_expect_not(fp_once_shared_before("a.py:1", "out"));
    cr_expect_not(fp_once_shared_before("a.py:1", "out"));
    cr_expect(fp_once_shared("a.py:1", "out"));
    cr_expect(fp_once_shared_before("a.py:1", "out"));
    cr_expect_not(fp_once_shared_before("a.py:2", "out"));
}

Test(once, in_a_full_set_all_counts_as_noted)
{
    char site[32];
    fp_once_share();
    for (int i = 0; i < 1024; i++) {
        snprintf(site, sizeof site, "a.py:%d", i);
        fp_once_shared(site, "out");
    }
    cr_expect(fp_once_shared_before("b.py:1", "out"), "nobody waits for what cannot come");
}
