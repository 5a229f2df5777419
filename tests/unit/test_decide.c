/*
 * From facts to a verdict; the names say which weaker rule a test would catch.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <criterion/criterion.h>

#include "policy/decide.h"
#include "policy/named_code.h"

#include <string.h>

static const char TABLE[] = "execs */subprocess.py _execute_child\n"
                            "execs */always.py\n"
                            "runtime unknown\n dso */unknown.so\n class unknown\n"
                            "runtime survives\n dso */survives.so\n class survives\n"
                            "runtime reset\n dso */reset.so\n class reset\n"
                            "runtime lost\n dso */lost.so\n class lost\n"
                            "runtime refuses\n dso */refuses.so\n class refuses\n"
                            "runtime pool\n python */thread.py\n class reset\n"
                            "runtime sqpoll\n thread iou-sqp-*\n class survives\n"
                            "runtime aged\n dso */aged.so\n class lost when version < 2\n"
                            " class refuses when environment AGED=?*\n class survives\n";

static struct fp_policy_file built_in, user_file;
static struct fp_rules rules;
static struct fp_policy policy;
static struct fp_snapshot snapshot;
static struct fp_verdict verdict;

static void setup(const char *string, const char *file)
{
    struct fp_problem problem = {.count = 0};
    fp_policy_file_parse(&built_in, "known", fp_slice_of(TABLE), &problem);
    rules.count = 0;
    if (string)
        fp_rules_parse(&rules, fp_slice_of(string), 1, 1, &problem);
    if (file)
        fp_policy_file_parse(&user_file, "file", fp_slice_of(file), &problem);
    policy = (struct fp_policy){
        .environment = &rules, .file = file ? &user_file.view : NULL, .built_in = &built_in.view};
    cr_assert_eq(problem.count, 0, "%s", problem.message);
    memset(&snapshot, 0, sizeof snapshot);
}

static struct fp_facts facts_of(const char *dso)
{
    return (struct fp_facts){.dso = dso, .file = "", .thread = "", .package = "", .version = ""};
}

static enum fp_action asked(struct fp_facts facts)
{
    return fp_identify(&policy, &facts).asked;
}

static struct fp_judgement judge(struct fp_facts facts)
{
    snapshot.count = 1;
    snapshot.runtimes[0] =
        (struct fp_runtime){.facts = facts, .identity = fp_identify(&policy, &facts)};
    fp_decide(&snapshot, &verdict);
    return verdict.runtimes[0];
}

#define CLASSES(u, s, r, l, f)                                                 \
    {                                                                          \
        [FP_CLASS_UNKNOWN] = u, [FP_CLASS_SURVIVES] = s, [FP_CLASS_RESET] = r, \
        [FP_CLASS_LOST] = l, [FP_CLASS_REFUSES] = f                            \
    }

/* What each cell wants where every action is available; what is not, steps down its ladder. */
static const enum fp_action WANTED[FP_ACTION_COUNT][FP_CLASS_COUNT] = {
#define A(x) FP_ACTION_##x
    [FP_ACTION_OFF] = CLASSES(A(OFF), A(OFF), A(OFF), A(OFF), A(OFF)),
    [FP_ACTION_WARN] = CLASSES(A(WARN), A(OFF), A(WARN), A(WARN), A(WARN)),
    [FP_ACTION_FAIL] = CLASSES(A(FAIL), A(OFF), A(FAIL), A(FAIL), A(WARN)),
    [FP_ACTION_SPAWN] = CLASSES(A(FAIL), A(OFF), A(FAIL), A(FAIL), A(WARN)),
    [FP_ACTION_FORKSERVER] = CLASSES(A(FAIL), A(OFF), A(FAIL), A(FAIL), A(WARN)),
    [FP_ACTION_REFUSE] = CLASSES(A(FAIL), A(OFF), A(FAIL), A(REFUSE), A(REFUSE)),
    [FP_ACTION_RESET] = CLASSES(A(FAIL), A(OFF), A(RESET), A(FAIL), A(WARN)),
    [FP_ACTION_CARRY] = CLASSES(A(FAIL), A(OFF), A(RESET), A(FAIL), A(WARN)),
#undef A
};

Test(decide, every_cell_of_the_bare_table_and_its_speech)
{
    for (int a = 0; a < FP_ACTION_COUNT; a++) {
        setup(fp_action_name((enum fp_action)a), NULL);
        for (int c = 0; c < FP_CLASS_COUNT; c++) {
            char path[64];
            struct fp_text text = FP_TEXT(path);
            fp_text_format(&text, "/lib/%s.so", fp_class_name((enum fp_class)c));
            struct fp_judgement got = judge(facts_of(path));
            enum fp_action want = fp_action_available(WANTED[a][c]);
            enum fp_speech speech = want == FP_ACTION_REFUSE ? FP_SPEECH_REFUSE
                                    : want == FP_ACTION_WARN && c == FP_CLASS_LOST
                                        ? FP_SPEECH_TELL
                                        : FP_SPEECH_SILENT;
            cr_assert_eq((int)got.class, c);
            cr_assert_eq(got.action, want, "%s x %s: %s", fp_action_name((enum fp_action)a),
                         fp_class_name((enum fp_class)c), fp_action_name(got.action));
            cr_assert_eq(got.speech, speech, "%s x %s", fp_action_name((enum fp_action)a),
                         fp_class_name((enum fp_class)c));
            cr_assert_eq(verdict.refuse, speech == FP_SPEECH_REFUSE);
            cr_assert_eq(verdict.tell, speech != FP_SPEECH_SILENT);
        }
    }
}

Test(decide, an_action_is_itself_or_weaker_never_another_effect)
{
    for (int a = 0; a < FP_ACTION_COUNT; a++) {
        enum fp_action got = fp_action_available((enum fp_action)a);
        cr_assert_leq((int)got, a);
        cr_assert_eq(fp_action_available(got), got);
        cr_assert(got != FP_ACTION_REFUSE || a == FP_ACTION_REFUSE, "only refuse may refuse");
        cr_assert(got != FP_ACTION_OFF || a == FP_ACTION_OFF, "only off may be silent");
    }
}

Test(decide, no_policy_warns_not_off)
{
    setup(NULL, NULL);
    cr_assert_eq(judge(facts_of("/lib/lost.so")).speech, FP_SPEECH_TELL);
    cr_assert_eq(judge(facts_of("/lib/reset.so")).speech, FP_SPEECH_SILENT);
}

Test(decide, a_pattern_holds_as_written_not_by_class)
{
    for (int c = 0; c < FP_CLASS_COUNT; c++) {
        char path[64];
        struct fp_text text = FP_TEXT(path);
        fp_text_format(&text, "/lib/%s.so", fp_class_name((enum fp_class)c));
        setup("refuse:*", NULL);
        cr_assert_eq(judge(facts_of(path)).speech, FP_SPEECH_REFUSE);
        setup("warn:*", NULL);
        cr_assert_eq(judge(facts_of(path)).speech, FP_SPEECH_TELL);
        setup("off:*", NULL);
        cr_assert_eq(judge(facts_of(path)).speech, FP_SPEECH_SILENT);
    }
}

Test(decide, a_pattern_beats_bare_on_either_side_not_just_the_last_entry)
{
    setup("off:lost,refuse", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_OFF);
    cr_assert_eq(asked(facts_of("/lib/reset.so")), FP_ACTION_REFUSE);
    setup("refuse,off:lost", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_OFF);
}

Test(decide, the_last_match_wins_not_the_first_or_the_longest)
{
    setup("off:/lib/lost.so,refuse:*,warn:l*,fail:other", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_WARN);
    cr_assert_eq(asked(facts_of("/lib/reset.so")), FP_ACTION_REFUSE);
    setup("refuse,off", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_OFF);
    setup("off,refuse", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_REFUSE);
}

Test(decide, layers_answer_in_order_not_patterns_first)
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

Test(decide, runtimes_of_the_file_beat_the_built_in_and_later_beat_earlier)
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

Test(decide, package_names_compare_by_pep503_not_byte_by_byte)
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

Test(decide, only_packages_are_normalised_not_names_and_paths)
{
    setup("refuse:LOST,refuse:/LIB/*", NULL);
    cr_assert_eq(asked(facts_of("/lib/lost.so")), FP_ACTION_WARN);
}

Test(decide, a_pattern_too_long_to_normalise_matches_no_package_not_its_beginning)
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

Test(decide, patterns_reach_name_package_dso_and_file_but_no_empty_fact)
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

Test(decide, each_kind_of_thread_is_found_by_its_own_word_only)
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

Test(decide, the_first_class_line_that_holds_counts_not_the_last)
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

Test(decide, no_class_line_that_holds_is_unknown_not_the_last_one_read)
{
    setup(NULL, "runtime x\n dso */x.so\n class lost when version < 2\n");
    struct fp_facts facts = facts_of("/x.so");
    struct fp_identity identity = fp_identify(&policy, &facts);
    cr_assert_eq(fp_classify(&identity, "3", NULL), FP_CLASS_UNKNOWN);
    struct fp_identity none = {.asked = FP_ACTION_WARN};
    cr_assert_eq(fp_classify(&none, "3", NULL), FP_CLASS_UNKNOWN);
}

Test(decide, native_code_of_a_python_process_is_never_refused_even_by_name)
{
    setup("refuse:*", NULL);
    for (int origin = FP_ORIGIN_PYTHON; origin <= FP_ORIGIN_NATIVE; origin++) {
        snapshot.origin = (enum fp_origin)origin;
        struct fp_judgement got = judge(facts_of("/lib/lost.so"));
        bool silent = origin == FP_ORIGIN_NATIVE_IN_PYTHON;
        cr_assert_eq(got.speech, silent ? FP_SPEECH_SILENT : FP_SPEECH_REFUSE);
        cr_assert_eq(verdict.refuse, !silent);
    }
}

Test(decide, one_runtime_is_enough_to_refuse_not_all_and_not_the_last)
{
    setup("refuse", NULL);
    static const char *const PATHS[] = {"/lib/lost.so", "/lib/survives.so", "/lib/unknown.so"};
    snapshot.count = 3;
    for (size_t i = 0; i < 3; i++) {
        struct fp_facts facts = facts_of(PATHS[i]);
        snapshot.runtimes[i] =
            (struct fp_runtime){.facts = facts, .identity = fp_identify(&policy, &facts)};
    }
    fp_decide(&snapshot, &verdict);
    cr_assert(verdict.refuse && verdict.tell);
    cr_assert_eq(verdict.runtimes[1].speech, FP_SPEECH_SILENT);
}

Test(decide, a_verdict_forgets_the_one_before)
{
    setup("refuse", NULL);
    judge(facts_of("/lib/lost.so"));
    cr_assert(verdict.refuse);
    judge(facts_of("/lib/survives.so"));
    cr_assert(!verdict.refuse && !verdict.tell);
    snapshot.count = 0;
    fp_decide(&snapshot, &verdict);
    cr_assert(!verdict.refuse && !verdict.tell);
}

Test(decide, can_refuse_looks_at_both_layers_and_at_patterns)
{
    static const struct {
        const char *string, *file;
        bool want;
    } CASES[] = {{NULL, NULL, false},           {"warn", NULL, false},
                 {"refuse", NULL, true},        {"warn,refuse:x", NULL, true},
                 {NULL, "policy refuse", true}, {"fail,reset", "policy carry", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        setup(CASES[i].string, CASES[i].file);
        cr_assert_eq(fp_policy_can_refuse(&policy), CASES[i].want, "case %zu", i);
    }
}

Test(decide, a_start_method_is_the_last_bare_action_of_the_first_layer_that_has_one)
{
    static const struct {
        const char *string, *file, *want;
    } CASES[] = {{NULL, NULL, NULL},
                 {"fail", "policy spawn", NULL},
                 {"spawn", NULL, "spawn"},
                 {"refuse:*,forkserver", NULL, "forkserver"},
                 {"spawn,refuse:*", "policy fail", "spawn"},
                 {"spawn,fail", NULL, NULL},
                 {"off:x", "policy spawn", "spawn"},
                 {NULL, "policy reset,spawn", "spawn"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        setup(CASES[i].string, CASES[i].file);
        const char *got = fp_policy_start_method(&policy);
        cr_assert(CASES[i].want ? got && strcmp(got, CASES[i].want) == 0 : !got, "case %zu", i);
    }
}

Test(decide, is_off_only_where_nothing_else_can_be_asked)
{
    static const struct {
        const char *string, *file;
        bool want;
    } CASES[] = {{NULL, NULL, false},
                 {"off", NULL, true},
                 {"off:x", NULL, false},
                 {"off,warn:x", NULL, false},
                 {"warn,off", NULL, false},
                 {"off,off:x", NULL, true},
                 {"off", "policy refuse:x", true},
                 {NULL, "policy off", false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        setup(CASES[i].string, CASES[i].file);
        cr_assert_eq(fp_policy_is_off(&policy), CASES[i].want, "case %zu", i);
    }
}

Test(decide, execs_needs_file_and_function_where_one_is_named)
{
    setup(NULL, "execs */mine.py go\n");
    cr_assert(fp_policy_execs(&policy, "/lib/subprocess.py", "_execute_child"));
    cr_assert(!fp_policy_execs(&policy, "/lib/subprocess.py", "run"));
    cr_assert(!fp_policy_execs(&policy, "/lib/other.py", "_execute_child"));
    cr_assert(fp_policy_execs(&policy, "/a/always.py", "anything"));
    cr_assert(fp_policy_execs(&policy, "/a/mine.py", "go"));
    cr_assert(!fp_policy_execs(&policy, "/a/mine.py", "gone"));
}

Test(decide, helpers_are_known_by_the_file_that_either_table_names)
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

Test(decide, what_wakes_a_thread_is_known_by_file_and_function)
{
    setup(NULL, "wakes */mine.py ask\nwakes */all.py\n");
    cr_expect(fp_policy_wakes(&policy, "/app/mine.py", "ask"));
    cr_expect(!fp_policy_wakes(&policy, "/app/mine.py", "stop"));
    cr_expect(fp_policy_wakes(&policy, "/app/all.py", "stop"));
    cr_expect(!fp_policy_wakes(&policy, "/app/other.py", "ask"));
}

#define EFFECT(file, function, effect) \
    cr_expect_eq(fp_policy_handler_effect(&policy, file, function), FP_EFFECT_##effect, "%s", file)

Test(decide, handlers_are_known_by_the_code_that_either_table_names)
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

Test(decide, the_table_that_ships_knows_handlers_of_servers_and_libraries_not_of_python)
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

Test(decide, a_child_is_watched_for_all_but_what_is_off_or_refuses_by_itself)
{
    for (int a = 0; a < FP_ACTION_COUNT; a++)
        for (int c = 0; c < FP_CLASS_COUNT; c++)
            for (int s = FP_SPEECH_SILENT; s <= FP_SPEECH_REFUSE; s++) {
                struct fp_judgement judgement = {(enum fp_class)c, (enum fp_action)a,
                                                 (enum fp_speech)s};
                cr_assert_eq(fp_judgement_watches(&judgement),
                             a != FP_ACTION_OFF && c != FP_CLASS_REFUSES, "%s x %s",
                             fp_action_name(judgement.action), fp_class_name(judgement.class));
            }
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

Test(decide, an_entry_with_a_place_counts_there_alone)
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

Test(decide, an_action_at_a_place_means_what_a_bare_one_does_and_the_last_match_wins)
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

Test(decide, an_allow_line_beats_the_environment_and_says_why)
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

Test(decide, what_the_program_allows_comes_first)
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
