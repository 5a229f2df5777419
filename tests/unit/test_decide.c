/*
 * From facts to a verdict; the names say which weaker rule a test would catch.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "tests/unit/support/deciding.h"

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

Test(decide, what_a_library_was_built_with_counts_where_no_path_does)
{
    setup("warn", "runtime mine\n dso */mine.so\n class survives\n"
                  "runtime go\n built Go\n class lost\n");
    const struct {
        const char *dso, *file, *built, *found;
    } CASES[] = {
        {"/x/other.so", "", "", ""},
        {"/x/other.so", "", "Go", "go"},
        {"/x/mine.so", "", "Go", "mine"},
        {"/x/survives.so", "", "Go", "go"}, /* the file's runtimes beat the built-in ones */
        {"/x/other.so", "/x/other.py", "Go", ""}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct fp_facts facts = facts_of(CASES[i].dso);
        facts.file = CASES[i].file;
        struct fp_identity identity = fp_identify_built(&policy, &facts, CASES[i].built);
        struct fp_slice name = {"", 0};
        if (identity.known)
            name = fp_known_name(identity.source, identity.known);
        cr_assert(fp_slice_is(name, CASES[i].found), "case %zu", i);
    }
}

Test(decide, threads_that_no_child_misses_are_as_those_that_survive)
{
    setup("warn", "runtime pool\n dso */pool.so\n spare pool-clean*\n spare stats\n class lost\n");
    struct fp_facts facts = facts_of("/x/pool.so");
    struct fp_runtime runtime = {.facts = facts, .identity = fp_identify(&policy, &facts)};
    cr_assert(fp_identity_has_spares(&runtime.identity));
    cr_assert(fp_identity_spares(&runtime.identity, "pool-cleaner") &&
              fp_identity_spares(&runtime.identity, "stats"));
    cr_assert_not(fp_identity_spares(&runtime.identity, "pool-worker") ||
                  fp_identity_spares(&runtime.identity, ""));
    cr_assert_eq((int)fp_judge(&runtime, FP_ORIGIN_PYTHON, NULL).speech, FP_SPEECH_TELL);
    runtime.spare = true;
    struct fp_judgement judgement = fp_judge(&runtime, FP_ORIGIN_PYTHON, NULL);
    cr_assert(judgement.class == FP_CLASS_SURVIVES && judgement.speech == FP_SPEECH_SILENT);
    setup("refuse:pool", "runtime pool\n dso */pool.so\n spare stats\n class lost\n");
    runtime.identity = fp_identify(&policy, &facts);
    cr_assert_eq((int)fp_judge(&runtime, FP_ORIGIN_PYTHON, NULL).speech, FP_SPEECH_REFUSE,
                 "what is asked for by name holds as written");
    facts = facts_of("/x/lost.so");
    struct fp_identity other = fp_identify(&policy, &facts);
    cr_assert_not(fp_identity_has_spares(&other) || fp_identity_spares(&other, "stats"));
}
