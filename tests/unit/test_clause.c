/* The class line. SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/clause.h"

#include <string.h>

static bool holds(const char *clause, const char *version, const char *const *environment)
{
    enum fp_class class;
    return fp_clause_holds(fp_slice_of(clause), version, environment, &class);
}

Test(clause, every_class_word_is_read)
{
    for (int c = 0; c < FP_CLASS_COUNT; c++) {
        const char *name = fp_class_name((enum fp_class)c);
        size_t offset;
        enum fp_class class = FP_CLASS_COUNT;
        cr_assert_null(fp_clause_check(fp_slice_of(name), &offset));
        cr_assert(fp_clause_holds(fp_slice_of(name), "", NULL, &class));
        cr_assert_eq((int)class, c);
    }
}

Test(clause, every_operator_against_every_order)
{
    static const struct {
        const char *operator;
        bool below, equal, above;
    } ROWS[] = {{"<", true, false, false},
                {"<=", true, true, false},
                {"==", false, true, false},
                {">=", false, true, true},
                {">", false, false, true}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        char text[64];
        struct fp_text clause = FP_TEXT(text);
        fp_text_format(&clause, "lost when version %s 0.19", ROWS[i].operator);
        cr_assert_eq(holds(text, "0.18.2", NULL), ROWS[i].below, "%s", text);
        cr_assert_eq(holds(text, "0.19.0", NULL), ROWS[i].equal, "%s", text);
        cr_assert_eq(holds(text, "0.19.1", NULL), ROWS[i].above, "%s", text);
        cr_assert(!holds(text, "", NULL), "an unknown version must hold for no operator");
        cr_assert(!holds(text, "unknown", NULL));
        cr_assert(!holds(text, NULL, NULL));
    }
}

Test(clause, environment_by_name_by_value_and_not_by_prefix)
{
    static const char *const SET[] = {"XNAME=1", "NAMEX=1", "NAME=true", "EMPTY=", "BARE", NULL};
    cr_assert(holds("lost when environment NAME", "", SET));
    cr_assert(holds("lost when environment NAME=true", "", SET));
    cr_assert(holds("lost when environment NAME=t*", "", SET));
    cr_assert(!holds("lost when environment NAME=1", "", SET));
    cr_assert(!holds("lost when environment NAME=", "", SET));
    cr_assert(holds("lost when environment EMPTY", "", SET));
    cr_assert(holds("lost when environment EMPTY=", "", SET));
    cr_assert(!holds("lost when environment EMPTY=?*", "", SET));
    cr_assert(!holds("lost when environment NAM", "", SET));
    cr_assert(!holds("lost when environment AME", "", SET));
    cr_assert(!holds("lost when environment BARE", "", SET));
    cr_assert(!holds("lost when environment NAME", "", NULL));
}

Test(clause, and_needs_both_not_either)
{
    static const char *const SET[] = {"A=1", NULL};
    cr_assert(holds("lost when version < 2 and environment A", "1", SET));
    cr_assert(!holds("lost when version < 2 and environment B", "1", SET));
    cr_assert(!holds("lost when version > 2 and environment A", "1", SET));
    cr_assert(!holds("lost when environment B and version < 2", "1", SET));
    cr_assert(holds("lost when version >= 0.4 and version <= 0.6", "0.5", NULL));
    cr_assert(!holds("lost when version >= 0.4 and version <= 0.6", "0.7", NULL));
}

Test(clause, the_byte_to_blame)
{
    static const struct {
        const char *clause;
        size_t offset;
    } CASES[] = {
        {"", 0},
        {"gone", 0},
        {"LOST", 0},
        {"lost if", 5},
        {"lost when", 9},
        {"lost when weather", 10},
        {"lost when version", 17},
        {"lost when version =", 18},
        {"lost when version <> 1", 18},
        {"lost when version <", 19},
        {"lost when version < x1", 20},
        {"lost when environment", 21},
        {"lost when environment =1", 22},
        {"lost when environment A=[", 24},
        {"lost when environment A=b\\", 25},
        {"lost when version < 1 or", 22},
        {"lost when version < 1 and", 25},
        {"lost when version < 1 and and", 26},
        {"lost when version < 1 when", 22},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t offset = 99;
        cr_assert(fp_clause_check(fp_slice_of(CASES[i].clause), &offset), "%s", CASES[i].clause);
        cr_assert_eq(offset, CASES[i].offset, "\"%s\": %zu", CASES[i].clause, offset);
        cr_assert(!holds(CASES[i].clause, "0.1", NULL), "a malformed clause must not hold");
    }
}

Test(clause, reads_no_byte_behind_its_end)
{
    static const char WHOLE[] = "lost when environment A=[a] and version < 1";
    for (size_t length = 0; length < sizeof WHOLE; length++) {
        char exact[sizeof WHOLE];
        size_t offset;
        memset(exact, ']', sizeof exact);
        memcpy(exact, WHOLE, length);
        fp_clause_check((struct fp_slice){exact, length}, &offset);
        cr_assert_leq(offset, length);
    }
}
