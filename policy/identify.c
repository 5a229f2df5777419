/* See identify.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/identify.h"

#include "policy/glob.h"

#include <string.h>

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

static const struct fp_known *find_by(const struct fp_policy_text *text, enum fp_word word,
                                      const char *subject)
{
    for (size_t i = text ? text->known_count : 0; i-- > 0;)
        if (any_value_matches(text, &text->known[i], word, subject))
            return &text->known[i];
    return NULL;
}

static const struct fp_known *find_known(const struct fp_policy_text *text,
                                         const struct fp_facts *facts, const char *built)
{
    if (*facts->thread)
        return find_by(text, FP_WORD_THREAD, facts->thread);
    if (*facts->file)
        return find_by(text, FP_WORD_PYTHON, facts->file);
    const struct fp_known *known = find_by(text, FP_WORD_DSO, facts->dso);
    return known ? known : find_by(text, FP_WORD_BUILT, built);
}

bool fp_identity_has_spares(const struct fp_identity *identity)
{
    return identity->known &&
           fp_known_value(identity->source, identity->known, FP_WORD_SPARE, 0).length;
}

bool fp_identity_spares(const struct fp_identity *identity, const char *thread)
{
    return identity->known &&
           any_value_matches(identity->source, identity->known, FP_WORD_SPARE, thread);
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

/* Not in line: its names are not to lie on the stack while places are looked at. */
__attribute__((noinline)) static bool pattern_matches(struct fp_slice pattern, struct fp_slice name,
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

/* One runtime at one fork, as rules see it. */
struct subject {
    struct fp_slice name; /* in the table; length 0: in none */
    const struct fp_facts *facts;
    const struct fp_site *site; /* NULL: not known */
};

bool fp_rule_names(const struct fp_rule *rule, struct fp_slice name, const struct fp_facts *facts)
{
    return !rule->pattern.length || pattern_matches(rule->pattern, name, facts);
}

static bool rule_matches(const struct fp_rule *rule, const struct subject *subject)
{
    if (rule->place.file.length &&
        !(subject->site && fp_place_matches(&rule->place, subject->site)))
        return false;
    return fp_rule_names(rule, subject->name, subject->facts);
}

/* Whether a rule allows it; `path` is where the rule stands. */
static bool take_allow(const struct fp_rule *rule, const char *path, const struct subject *subject,
                       struct fp_identity *identity)
{
    if (!rule_matches(rule, subject))
        return false;
    identity->asked = FP_ACTION_OFF;
    identity->by_pattern = true;
    identity->allowed = (struct fp_allowed){rule->reason, path, rule->line};
    return true;
}

/* What the program itself allows: lines that were checked when it said so. */
static bool ask_program(const struct subject *subject, struct fp_identity *identity)
{
    struct fp_slice rest = fp_slice_of(subject->site ? subject->site->allowed : "");
    while (rest.length) {
        const char *newline = memchr(rest.text, '\n', rest.length);
        size_t length = newline ? (size_t)(newline - rest.text) : rest.length, offset;
        struct fp_rule rule = {.line = 0};
        if (!fp_rule_allow(&rule, (struct fp_slice){rest.text, length}, &offset) &&
            take_allow(&rule, "", subject, identity))
            return true;
        length += newline != NULL;
        rest.text += length;
        rest.length -= length;
    }
    return false;
}

static bool ask_allows(const struct fp_policy_text *file, const struct subject *subject,
                       struct fp_identity *identity)
{
    for (size_t i = file && file->allows ? file->allows->count : 0; i-- > 0;)
        if (take_allow(&file->allows->rules[i], file->path, subject, identity))
            return true;
    return false;
}

/* Asks one layer; false when it has nothing to say. */
static bool ask_layer(const struct fp_rules *rules, const struct subject *subject,
                      struct fp_identity *identity)
{
    const struct fp_rule *bare = NULL;
    for (size_t i = rules ? rules->count : 0; i-- > 0;) {
        const struct fp_rule *rule = &rules->rules[i];
        if (fp_rule_is_bare(rule)) {
            bare = bare ? bare : rule;
        } else if (rule_matches(rule, subject)) {
            identity->asked = rule->action;
            identity->by_pattern = rule->pattern.length;
            return true;
        }
    }
    if (bare)
        identity->asked = bare->action;
    return bare != NULL;
}

void fp_identify_at(struct fp_identity *identity, const struct fp_policy *policy,
                    const struct fp_facts *facts, const struct fp_site *site)
{
    struct subject subject = {.name = {"", 0}, .facts = facts, .site = site};
    const struct fp_policy_text *file = policy->file;
    if (identity->known)
        subject.name = fp_known_name(identity->source, identity->known);
    identity->asked = FP_ACTION_WARN;
    identity->by_pattern = false;
    identity->allowed = (struct fp_allowed){.path = ""};
    if (!ask_program(&subject, identity) && !ask_allows(file, &subject, identity) &&
        !ask_layer(policy->environment, &subject, identity) && file)
        ask_layer(file->rules, &subject, identity);
}

struct fp_identity fp_identify_built(const struct fp_policy *policy, const struct fp_facts *facts,
                                     const char *built)
{
    struct fp_identity identity = {.source = policy->file};
    identity.known = find_known(policy->file, facts, built);
    if (!identity.known) {
        identity.source = policy->built_in;
        identity.known = find_known(policy->built_in, facts, built);
    }
    fp_identify_at(&identity, policy, facts, NULL);
    return identity;
}

struct fp_identity fp_identify(const struct fp_policy *policy, const struct fp_facts *facts)
{
    return fp_identify_built(policy, facts, "");
}
