/* See decide.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide.h"

#include "policy/clause.h"
#include "policy/glob.h"

#include <string.h>

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

static bool any_value_matches(const struct fp_policy_text *text, const struct fp_known *known,
                              enum fp_word word, const char *subject)
{
    for (size_t nth = 0;; nth++) {
        struct fp_slice glob = fp_known_value(text, known, word, nth);
        if (!glob.length)
            return false;
        if (fp_glob_match(glob, fp_slice_of(subject)))
            return true;
    }
}

static const struct fp_known *find_known(const struct fp_policy_text *text,
                                         const struct fp_facts *facts)
{
    enum fp_word word = *facts->thread ? FP_WORD_THREAD
                        : *facts->file ? FP_WORD_PYTHON
                                       : FP_WORD_DSO;
    const char *subject = *facts->thread ? facts->thread : *facts->file ? facts->file : facts->dso;
    for (size_t i = text ? text->known_count : 0; i-- > 0;)
        if (any_value_matches(text, &text->known[i], word, subject))
            return &text->known[i];
    return NULL;
}

/*
 * PEP 503: case and the kind and number of separators make no difference in a package's name.
 * What does not fit is no package's name: cut, a pattern could match what it does not mean.
 */
static struct fp_slice normalise(struct fp_slice name, char *buffer, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < name.length; i++) {
        char c = name.text[i];
        bool separator = c == '-' || c == '_' || c == '.';
        if (separator && length && buffer[length - 1] == '-')
            continue;
        if (length == size)
            return (struct fp_slice){buffer, 0};
        buffer[length++] = separator ? '-' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return (struct fp_slice){buffer, length};
}

static bool pattern_matches(struct fp_slice pattern, struct fp_slice name,
                            const struct fp_facts *facts)
{
    char normal_pattern[128], normal_package[128];
    if (name.length && fp_glob_match(pattern, name))
        return true;
    struct fp_slice package =
        normalise(fp_slice_of(facts->package), normal_package, sizeof normal_package);
    if (package.length &&
        fp_glob_match(normalise(pattern, normal_pattern, sizeof normal_pattern), package))
        return true;
    return (*facts->dso && fp_glob_match(pattern, fp_slice_of(facts->dso))) ||
           (*facts->file && fp_glob_match(pattern, fp_slice_of(facts->file)));
}

/* Asks one layer; false when it has nothing to say. */
static bool ask_layer(const struct fp_rules *rules, struct fp_slice name,
                      const struct fp_facts *facts, struct fp_identity *identity)
{
    const struct fp_rule *bare = NULL;
    for (size_t i = rules ? rules->count : 0; i-- > 0;) {
        const struct fp_rule *rule = &rules->rules[i];
        if (!rule->pattern.length) {
            bare = bare ? bare : rule;
        } else if (pattern_matches(rule->pattern, name, facts)) {
            identity->asked = rule->action;
            identity->by_pattern = true;
            return true;
        }
    }
    if (bare)
        identity->asked = bare->action;
    return bare != NULL;
}

struct fp_identity fp_identify(const struct fp_policy *policy, const struct fp_facts *facts)
{
    struct fp_identity identity = {.asked = FP_ACTION_WARN};
    struct fp_slice name = {"", 0};
    identity.source = policy->file;
    identity.known = find_known(policy->file, facts);
    if (!identity.known) {
        identity.source = policy->built_in;
        identity.known = find_known(policy->built_in, facts);
    }
    if (identity.known)
        name = fp_known_name(identity.source, identity.known);
    if (!ask_layer(policy->environment, name, facts, &identity) && policy->file)
        ask_layer(policy->file->rules, name, facts, &identity);
    return identity;
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
    judgement.class = runtime->registered
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
        if (!rules->rules[i].pattern.length)
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
        bare |= !rules->rules[i].pattern.length;
    return bare && !any_rule(rules, FP_ACTION_WARN, FP_ACTION_CARRY);
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
