/*
 * Code that the tables name, and rules that depend on the place of the fork.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/support/deciding.h"

Test(decide_places, execs_needs_file_and_function_where_one_is_named)
{
    setup(NULL, "execs */mine.py go\n");
    cr_assert(fp_policy_execs(&policy, "/lib/subprocess.py", "_execute_child"));
    cr_assert(!fp_policy_execs(&policy, "/lib/subprocess.py", "run"));
    cr_assert(!fp_policy_execs(&policy, "/lib/other.py", "_execute_child"));
    cr_assert(fp_policy_execs(&policy, "/a/always.py", "anything"));
    cr_assert(fp_policy_execs(&policy, "/a/mine.py", "go"));
    cr_assert(!fp_policy_execs(&policy, "/a/mine.py", "gone"));
}

Test(decide_places, helpers_are_known_by_the_file_that_either_table_names)
{
    struct fp_problem problem = {.count = 0};
    setup(NULL, "helpers */mine.py\nhandlers */other.py\n");
    fp_policy_file_parse(&built_in, "known", fp_slice_of("helpers */multiprocessing/sharer.py\n"),
                         &problem);
    cr_assert_eq(problem.count, 0);
    cr_expect(fp_policy_helps(&policy, "/app/mine.py"));
    cr_expect(fp_policy_helps(&policy, "/lib/multiprocessing/sharer.py"));
    cr_expect(!fp_policy_helps(&policy, "/app/other.py"));
    cr_expect(!fp_policy_helps(&policy, ""));
}

Test(decide_places, what_wakes_a_thread_is_known_by_file_and_function)
{
    setup(NULL, "wakes */mine.py ask\nwakes */all.py\n");
    cr_expect(fp_policy_wakes(&policy, "/app/mine.py", "ask"));
    cr_expect(!fp_policy_wakes(&policy, "/app/mine.py", "stop"));
    cr_expect(fp_policy_wakes(&policy, "/app/all.py", "stop"));
    cr_expect(!fp_policy_wakes(&policy, "/app/other.py", "ask"));
}

#define EFFECT(file, function, effect) \
    cr_expect_eq(fp_policy_handler_effect(&policy, file, function), FP_EFFECT_##effect, "%s", file)

Test(decide_places, handlers_are_known_by_the_code_that_either_table_names)
{
    struct fp_problem problem = {.count = 0};
    setup(NULL, NULL);
    EFFECT("/p/torch/lib/libtorch_cpu.so", "", UNKNOWN);
    setup(NULL, "handlers */mine.so\nexecs */execs.so\nexits */one.so\n"
                "runtime r\n dso */r.so\n class lost\n");
    fp_policy_file_parse(&built_in, "known",
                         fp_slice_of("handlers */torch/lib/libtorch*.so\nhandlers /one.so\n"
                                     "handlers */base.py quiet\nexits */base.py ends\n"),
                         &problem);
    cr_assert_eq(problem.count, 0);
    EFFECT("/p/torch/lib/libtorch_cpu.so", "", NONE);
    EFFECT("/one.so", "", EXIT); /* the file beats the built-in table */
    EFFECT("/app/mine.so", "", NONE);
    EFFECT("/v/base.py", "quiet", NONE);
    EFFECT("/v/base.py", "ends", EXIT);
    EFFECT("/v/base.py", "other", UNKNOWN);
    EFFECT("/v/base.py", "", UNKNOWN);
    static const char *const OTHERS[] = {"/p/torch/lib/libc10.so", "/app/mine.so.1",
                                         "/app/execs.so", "/app/r.so", ""};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        EFFECT(OTHERS[i], "", UNKNOWN);
    cr_assert(!fp_policy_execs(&policy, "/app/mine.so", "f"));
    policy.file = NULL;
    EFFECT("/app/mine.so", "", UNKNOWN);
    EFFECT("/one.so", "", NONE);
}

Test(decide_places, the_table_that_ships_knows_handlers_of_servers_and_libraries_not_of_python)
{
    policy = (struct fp_policy){.environment = &rules, .built_in = &fp_known_policy};
    EFFECT("/v/site-packages/torch/lib/libtorch.so", "", NONE);
    EFFECT("/v/site-packages/gunicorn/workers/base.py", "handle_exit", NONE);
    EFFECT("/v/site-packages/gunicorn/workers/base.py", "handle_abort", EXIT);
    EFFECT("/v/site-packages/gunicorn/arbiter.py", "signal", NONE);
    EFFECT("/v/site-packages/gunicorn/workers/base.py", "run", UNKNOWN);
    EFFECT("/v/bin/uwsgi", "", EXIT);
    EFFECT("/usr/lib/libpython3.11.so.1.0", "", UNKNOWN);
    EFFECT("", "", UNKNOWN);
}

/* Where forks are asked for, and what the rules ask for then. */
static struct fp_site site;

static struct fp_identity at(const char *line, const char *function, const char *dso)
{
    struct fp_facts facts = facts_of(dso);
    struct fp_identity identity = fp_identify(&policy, &facts);
    site = (struct fp_site){.user = line,
                            .library = "",
                            .called = "",
                            .innermost = line,
                            .function = function,
                            .dso = "",
                            .allowed = site.allowed ? site.allowed : ""};
    fp_identify_at(&identity, &policy, &facts, &site);
    return identity;
}

#define ASKED_AT(line, function, dso) ((int)at(line, function, dso).asked)

Test(decide_places, an_entry_with_a_place_counts_there_alone)
{
    setup("refuse,off:lost@tests/*.py:test_pool,warn:lost@a.py:12", NULL);
    cr_assert(fp_policy_has_places(&policy));
    cr_assert_eq(asked(facts_of("/x/lost.so")), FP_ACTION_REFUSE, "at a fork that nobody looks at");
    cr_assert_eq(ASKED_AT("/me/tests/b.py:3", "test_pool", "/x/lost.so"), FP_ACTION_OFF);
    cr_assert_eq(ASKED_AT("/me/tests/b.py:3", "test_more", "/x/lost.so"), FP_ACTION_REFUSE);
    cr_assert_eq(ASKED_AT("/me/tests/b.py:3", "test_pool", "/x/reset.so"), FP_ACTION_REFUSE);
    cr_assert_eq(ASKED_AT("/me/a.py:12", "f", "/x/lost.so"), FP_ACTION_WARN);
    cr_assert_eq(ASKED_AT("/me/a.py:13", "f", "/x/lost.so"), FP_ACTION_REFUSE);
    setup("refuse,off:lost", NULL);
    cr_assert(!fp_policy_has_places(&policy));
}

Test(decide_places, an_action_at_a_place_means_what_a_bare_one_does_and_the_last_match_wins)
{
    setup("refuse@a.py,fail:lost@a.py:9,warn", NULL);
    struct fp_identity identity = at("/me/a.py:3", "f", "/x/survives.so");
    struct fp_runtime runtime = {.facts = facts_of("/x/survives.so"), .identity = identity};
    cr_assert(identity.asked == FP_ACTION_REFUSE && !identity.by_pattern);
    cr_assert_eq((int)fp_judge(&runtime, FP_ORIGIN_PYTHON, NULL).action, FP_ACTION_OFF,
                 "what survives is not refused");
    cr_assert_eq(ASKED_AT("/me/a.py:9", "f", "/x/lost.so"), FP_ACTION_FAIL);
    cr_assert_eq(ASKED_AT("/me/b.py:9", "f", "/x/lost.so"), FP_ACTION_WARN);
    setup("off:lost,fail@a.py", NULL);
    cr_assert_eq(ASKED_AT("/me/a.py:9", "f", "/x/lost.so"), FP_ACTION_FAIL);
    setup("off,refuse@a.py", NULL);
    cr_assert(!fp_policy_is_off(&policy) && fp_policy_can_refuse(&policy));
    setup("off@a.py", NULL);
    cr_assert(!fp_policy_is_off(&policy), "it is elsewhere as if nothing was said");
}

Test(decide_places, an_allow_line_beats_the_environment_and_says_why)
{
    setup("refuse,fail:lost", "allow lost@a.py because it execs\npolicy fail:reset\n"
                              "allow reset because it is ours\n");
    struct fp_identity identity = at("/me/a.py:9", "f", "/x/lost.so");
    cr_assert(identity.asked == FP_ACTION_OFF && identity.by_pattern);
    cr_assert(fp_slice_is(identity.allowed.reason, "it execs") && identity.allowed.line == 1);
    cr_assert_str_eq(identity.allowed.path, "file");
    identity = at("/me/b.py:9", "f", "/x/lost.so");
    cr_assert(identity.asked == FP_ACTION_FAIL && !identity.allowed.reason.length);
    cr_assert_eq(asked(facts_of("/x/reset.so")), FP_ACTION_OFF, "it names no place");
    cr_assert(fp_policy_has_places(&policy));
}

Test(decide_places, what_the_program_allows_comes_first)
{
    setup("refuse", "allow lost because of the file\n");
    site.allowed = "reset because of a\n[lost because of b\nlos*@a.py because of c\n";
    struct fp_identity identity = at("/me/a.py:9", "f", "/x/lost.so");
    cr_assert(identity.asked == FP_ACTION_OFF && !identity.allowed.line);
    cr_assert(fp_slice_is(identity.allowed.reason, "of c") && !*identity.allowed.path);
    identity = at("/me/b.py:9", "f", "/x/lost.so");
    cr_assert(fp_slice_is(identity.allowed.reason, "of the file") && identity.allowed.line == 1);
    cr_assert_eq(ASKED_AT("/me/b.py:9", "f", "/x/reset.so"), FP_ACTION_OFF);
    cr_assert_eq(ASKED_AT("/me/b.py:9", "f", "/x/refuses.so"), FP_ACTION_REFUSE);
    site.allowed = "";
}
