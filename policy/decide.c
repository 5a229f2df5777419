/* See decide.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide.h"

#include "policy/clause.h"

/* What a bare action means for each class: nobody is troubled about what survives. */
static const enum fp_action BY_CLASS[FP_ACTION_COUNT][FP_CLASS_COUNT] = {
#define ROW(unknown, survives, reset, lost, refuses)                                          \
    {                                                                                         \
        [FP_CLASS_UNKNOWN] = FP_ACTION_##unknown, [FP_CLASS_SURVIVES] = FP_ACTION_##survives, \
        [FP_CLASS_RESET] = FP_ACTION_##reset, [FP_CLASS_LOST] = FP_ACTION_##lost,             \
        [FP_CLASS_REFUSES] = FP_ACTION_##refuses                                              \
    }
    [FP_ACTION_OFF] = ROW(OFF, OFF, OFF, OFF, OFF),
    [FP_ACTION_WARN] = ROW(WARN, OFF, WARN, WARN, WARN),
    [FP_ACTION_FAIL] = ROW(FAIL, OFF, FAIL, FAIL, WARN),
    [FP_ACTION_SPAWN] = ROW(FAIL, OFF, FAIL, FAIL, WARN),
    [FP_ACTION_FORKSERVER] = ROW(FAIL, OFF, FAIL, FAIL, WARN),
    [FP_ACTION_REFUSE] = ROW(FAIL, OFF, FAIL, REFUSE, REFUSE),
    [FP_ACTION_RESET] = ROW(FAIL, OFF, RESET, FAIL, WARN),
    [FP_ACTION_CARRY] = ROW(FAIL, OFF, RESET, FAIL, WARN),
#undef ROW
};

static const bool AVAILABLE[] = {
#define FP_ACTION(NAME, name, available, help) available,
#include "policy/actions.def"
#undef FP_ACTION
};

static const enum fp_action LADDER[FP_ACTION_COUNT] = {
    [FP_ACTION_OFF] = FP_ACTION_OFF,    [FP_ACTION_WARN] = FP_ACTION_OFF,
    [FP_ACTION_FAIL] = FP_ACTION_WARN,  [FP_ACTION_REFUSE] = FP_ACTION_FAIL,
    [FP_ACTION_SPAWN] = FP_ACTION_FAIL, [FP_ACTION_FORKSERVER] = FP_ACTION_FAIL,
    [FP_ACTION_RESET] = FP_ACTION_FAIL, [FP_ACTION_CARRY] = FP_ACTION_RESET,
};

enum fp_action fp_action_available(enum fp_action action)
{
    while (!AVAILABLE[action])
        action = LADDER[action];
    return action;
}

enum fp_class fp_classify(const struct fp_identity *identity, const char *version,
                          const char *const *environment)
{
    enum fp_class class;
    for (size_t nth = 0; identity->known; nth++) {
        struct fp_slice clause =
            fp_known_value(identity->source, identity->known, FP_WORD_CLASS, nth);
        if (!clause.length)
            break;
        if (fp_clause_holds(clause, version, environment, &class))
            return class;
    }
    return FP_CLASS_UNKNOWN;
}

struct fp_judgement fp_judge(const struct fp_runtime *runtime, enum fp_origin origin,
                             const char *const *environment)
{
    const struct fp_identity *identity = &runtime->identity;
    struct fp_judgement judgement;
    judgement.class = runtime->registered || runtime->spare
                          ? FP_CLASS_SURVIVES
                          : fp_classify(identity, runtime->facts.version, environment);
    enum fp_action wanted =
        identity->by_pattern ? identity->asked : BY_CLASS[identity->asked][judgement.class];
    judgement.action = fp_action_available(wanted);
    bool told = identity->by_pattern || judgement.class == FP_CLASS_LOST;
    if (origin == FP_ORIGIN_NATIVE_IN_PYTHON)
        judgement.speech = FP_SPEECH_SILENT; /* Rust's Command, MPI: they fork to exec */
    else if (judgement.action == FP_ACTION_REFUSE)
        judgement.speech = FP_SPEECH_REFUSE;
    else if (judgement.action == FP_ACTION_WARN && told)
        judgement.speech = FP_SPEECH_TELL;
    else
        judgement.speech = FP_SPEECH_SILENT;
    return judgement;
}

bool fp_judgement_watches(const struct fp_judgement *judgement)
{
    return judgement->action != FP_ACTION_OFF && judgement->class != FP_CLASS_REFUSES;
}

void fp_decide(const struct fp_snapshot *snapshot, struct fp_verdict *verdict)
{
    verdict->refuse = verdict->tell = false;
    for (size_t i = 0; i < snapshot->count; i++) {
        verdict->runtimes[i] =
            fp_judge(&snapshot->runtimes[i], snapshot->origin, snapshot->environment);
        verdict->refuse |= verdict->runtimes[i].speech == FP_SPEECH_REFUSE;
        verdict->tell |= verdict->runtimes[i].speech != FP_SPEECH_SILENT;
    }
}

static bool any_rule(const struct fp_rules *rules, enum fp_action low, enum fp_action high)
{
    for (size_t i = 0; rules && i < rules->count; i++)
        if (rules->rules[i].action >= low && rules->rules[i].action <= high)
            return true;
    return false;
}

static bool any_entry(const struct fp_policy *policy, enum fp_action low, enum fp_action high)
{
    return any_rule(policy->environment, low, high) ||
           (policy->file && any_rule(policy->file->rules, low, high));
}

bool fp_policy_can_refuse(const struct fp_policy *policy)
{
    return any_entry(policy, FP_ACTION_REFUSE, FP_ACTION_REFUSE);
}

bool fp_policy_can_reset(const struct fp_policy *policy)
{
    return any_entry(policy, FP_ACTION_RESET, FP_ACTION_CARRY);
}

static const struct fp_rule *last_bare(const struct fp_rules *rules)
{
    for (size_t i = rules ? rules->count : 0; i-- > 0;)
        if (fp_rule_is_bare(&rules->rules[i]))
            return &rules->rules[i];
    return NULL;
}

const char *fp_policy_start_method(const struct fp_policy *policy)
{
    const struct fp_rule *bare = last_bare(policy->environment);
    if (!bare && policy->file)
        bare = last_bare(policy->file->rules);
    bool asks = bare && (bare->action == FP_ACTION_SPAWN || bare->action == FP_ACTION_FORKSERVER);
    return asks ? fp_action_name(bare->action) : NULL;
}

bool fp_policy_is_off(const struct fp_policy *policy)
{
    const struct fp_rules *rules = policy->environment;
    bool bare = false;
    for (size_t i = 0; i < rules->count; i++)
        bare |= fp_rule_is_bare(&rules->rules[i]);
    return bare && !any_rule(rules, FP_ACTION_WARN, FP_ACTION_CARRY);
}

static bool any_place(const struct fp_rules *rules)
{
    for (size_t i = 0; rules && i < rules->count; i++)
        if (rules->rules[i].place.file.length)
            return true;
    return false;
}

bool fp_policy_has_places(const struct fp_policy *policy)
{
    return any_place(policy->environment) ||
           (policy->file && (any_place(policy->file->rules) || any_place(policy->file->allows)));
}

static bool any_pattern(const struct fp_rules *rules)
{
    for (size_t i = 0; rules && i < rules->count; i++)
        if (rules->rules[i].pattern.length)
            return true;
    return false;
}

/* A bare action speaks of nothing but `lost` and `refuses`. */
static bool any_lost_stranger(const struct fp_policy_text *text)
{
    for (size_t i = 0; text && i < text->known_count; i++) {
        const struct fp_known *known = &text->known[i];
        if (!fp_known_value(text, known, FP_WORD_THREAD, 0).length)
            continue;
        for (size_t nth = 0;; nth++) {
            struct fp_slice clause = fp_known_value(text, known, FP_WORD_CLASS, nth);
            enum fp_class class;
            if (!clause.length)
                break;
            fp_clause_holds(clause, "", NULL, &class);
            if (class == FP_CLASS_LOST || class == FP_CLASS_REFUSES)
                return true;
        }
    }
    return false;
}

bool fp_policy_tells_strangers(const struct fp_policy *policy)
{
    return any_pattern(policy->environment) || any_lost_stranger(policy->built_in) ||
           any_lost_stranger(policy->file) || (policy->file && any_pattern(policy->file->rules));
}
