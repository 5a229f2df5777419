/* Tests of policy/problem.c. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/problem.h"

static char buffer[400];

Test(problem, the_first_problem_is_kept_and_the_rest_counted)
{
    struct fp_problem noted = {.count = 0};
    fp_problem_note(&noted, 3, 7, "first %d", 1);
    fp_problem_note(&noted, 1, 1, "second");
    cr_assert(noted.count == 2 && noted.line == 3 && noted.column == 7);
    cr_assert_str_eq(noted.message, "first 1");
}

Test(problem, problems_carry_their_place_and_how_many_more)
{
    struct fp_problem problem = {.count = 0};
    fp_problem_note(&problem, 3, 7, "this is wrong");
    struct fp_text text = FP_TEXT(buffer);
    fp_problem_of_string(&text, "FORKPOLICY", &problem);
    cr_assert_str_eq(buffer, "FORKPOLICY column 7: this is wrong");
    fp_text_reset(&text);
    fp_problem_note(&problem, 9, 9, "that too");
    fp_problem_note(&problem, 9, 9, "and that");
    fp_problem_of_file(&text, "/etc/a\nb.policy", &problem);
    cr_assert_str_eq(buffer, "/etc/a\\x0ab.policy:3:7: this is wrong (and 2 more)");
}
