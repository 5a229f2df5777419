/*
 * Which rule and which entry of a table a runtime meets; the names say which weaker rule a test
 * would catch.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/support/deciding.h"

Test(identify, a_pattern_beats_bare_on_either_side_not_just_the_last_entry)
{
    setup("off:lost,refuse", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_OFF);
    cr_assert_eq(asked(facts_of("/lib/reset.so")), FP_ACTION_REFUSE);
    setup("refuse,off:lost", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_OFF);
}

Test(identify, the_last_match_wins_not_the_first_or_the_longest)
{
    setup("off:/lib/lost.so,refuse:*,warn:l*,fail:other", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_WARN);
    cr_assert_eq(asked(facts_of("/lib/reset.so")), FP_ACTION_REFUSE);
    setup("refuse,off", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_OFF);
    setup("off,refuse", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_REFUSE);
}

Test(identify, layers_answer_in_order_not_patterns_first)
{
    setup("warn", "policy refuse:lost\n");
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_WARN,
                 "a bare action of FORKPOLICY answers before a pattern of the file");
    setup("off:reset", "policy refuse:lost,fail\n");
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_REFUSE);
    cr_assert_eq(asked(facts_of("/lib/unknown.so")), FP_ACTION_FAIL);
    cr_assert_eq(asked(facts_of("/lib/reset.so")), FP_ACTION_OFF);
    setup("off:reset", "policy refuse:other\n");
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_WARN, "nobody answers: warn");
}

Test(identify, runtimes_of_the_file_beat_the_built_in_and_later_beat_earlier)
{
    static const char FILE[] = "runtime mine\n dso */lost.so\n class survives\n"
                               "runtime again\n dso */los?.so\n class refuses\n"
                               "policy off:mine,refuse:again\n";
    setup(NULL, FILE);
    struct fp_facts facts = facts_of("/lib/lost.so");
    struct fp_identity identity = fp_identify(&policy, &facts);
    cr_assert_eq(identity.source, policy.file);
    cr_assert(fp_slice_is(fp_known_name(identity.source, identity.known), "again"));
    cr_assert_eq(fp_classify(&identity, "", NULL), FP_CLASS_REFUSES);
    cr_assert_eq(identity.asked, FP_ACTION_REFUSE);
    facts = facts_of("/lib/reset.so");
    cr_assert_eq(fp_identify(&policy, &facts).source, policy.built_in);
}

Test(identify, package_names_compare_by_pep503_not_byte_by_byte)
{
    static const char *const SPELLINGS[] = {"typing.extensions", "Typing_Extensions",
                                            "typing--extensions", "TYPING-._EXTENSIONS",
                                            "typing-*"};
    for (size_t i = 0; i < sizeof SPELLINGS / sizeof *SPELLINGS; i++) {
        char string[64];
        struct fp_text text = FP_TEXT(string);
        fp_text_format(&text, "refuse:%s", SPELLINGS[i]);
        setup(string, NULL);
        struct fp_facts facts = facts_of("/x.so");
        facts.package = "typing_extensions";
        cr_assert_eq(asked(facts), FP_ACTION_REFUSE, "%s", SPELLINGS[i]);
        facts.package = "typingextensions";
        cr_assert_eq(asked(facts), FP_ACTION_WARN, "%s", SPELLINGS[i]);
    }
}

Test(identify, only_packages_are_normalised_not_names_and_paths)
{
    setup("refuse:LOST,refuse:/LIB/*", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_WARN);
}

Test(identify, a_pattern_too_long_to_normalise_matches_no_package_not_its_beginning)
{
    char string[200], package[140];
    struct fp_text text = FP_TEXT(string);
    fp_text_format(&text, "refuse:");
    for (int i = 0; i < 150; i++)
        fp_text_format(&text, "a");
    setup(string, NULL);
    memset(package, 'a', sizeof package);
    package[sizeof package - 1] = '\0';
    struct fp_facts facts = facts_of("/x.so");
    facts.package = package;
    cr_assert_eq(asked(facts), FP_ACTION_WARN);
}

Test(identify, patterns_reach_name_package_dso_and_file_but_no_empty_fact)
{
    struct fp_facts python = facts_of("");
    python.file = "/lib/python3.11/concurrent/futures/thread.py";
    setup("refuse:*thread.py", NULL);
    cr_assert_eq(asked(python), FP_ACTION_REFUSE);
    setup("refuse:pool", NULL);
    cr_assert_eq(asked(python), FP_ACTION_REFUSE);
    setup("refuse:*", NULL);
    struct fp_facts nothing = facts_of("");
    nothing.thread = "stranger";
    cr_assert_eq(asked(nothing), FP_ACTION_WARN, "'*' must not match what is not known");
    setup("refuse:*.so", NULL);
    cr_assert_eq(asked(facts_of("/any/x.so")), FP_ACTION_REFUSE);
}

Test(identify, each_kind_of_thread_is_found_by_its_own_word_only)
{
    setup(NULL, "runtime d\n dso *\n class lost\n");
    struct fp_facts python = facts_of("/lib/libpython3.11.so");
    python.file = "/app/own.py";
    struct fp_identity identity = fp_identify(&policy, &python);
    cr_assert_null(identity.known, "a Python thread must not be known by libpython's path");
    struct fp_facts first = facts_of("/lib/unknown.so");
    setup(NULL, NULL);
    cr_assert_not_null(fp_identify(&policy, &first).known, "the table's first one counts too");
    struct fp_facts stranger = facts_of("");
    stranger.thread = "iou-sqp-77";
    identity = fp_identify(&policy, &stranger);
    cr_assert(fp_slice_is(fp_known_name(identity.source, identity.known), "sqpoll"));
}

Test(identify, the_first_class_line_that_holds_counts_not_the_last)
{
    static const char *const SET[] = {"AGED=1", NULL}, *const EMPTY[] = {"AGED=", NULL};
    setup(NULL, NULL);
    struct fp_facts facts = facts_of("/lib/aged.so");
    struct fp_identity identity = fp_identify(&policy, &facts);
    cr_assert_eq(fp_classify(&identity, "1.9", SET), FP_CLASS_LOST);
    cr_assert_eq(fp_classify(&identity, "2.0", SET), FP_CLASS_REFUSES);
    cr_assert_eq(fp_classify(&identity, "2.0", EMPTY), FP_CLASS_SURVIVES);
    cr_assert_eq(fp_classify(&identity, "", NULL), FP_CLASS_SURVIVES);
}

Test(identify, no_class_line_that_holds_is_unknown_not_the_last_one_read)
{
    setup(NULL, "runtime x\n dso */x.so\n class lost when version < 2\n");
    struct fp_facts facts = facts_of("/x.so");
    struct fp_identity identity = fp_identify(&policy, &facts);
    cr_assert_eq(fp_classify(&identity, "3", NULL), FP_CLASS_UNKNOWN);
    struct fp_identity none = {.asked = FP_ACTION_WARN};
    cr_assert_eq(fp_classify(&none, "3", NULL), FP_CLASS_UNKNOWN);
}
