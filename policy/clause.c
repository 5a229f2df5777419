/* See clause.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/clause.h"

#include "policy/glob.h"
#include "policy/version.h"

#include <string.h>

/* What a walk over the clause is asked against, and what it found. */
struct walk {
    const char *version;
    const char *const *environment;
    struct fp_slice rest;
    struct fp_slice word; /* the last one taken: the one to blame */
    enum fp_class class;
    bool holds;
};

static void take(struct walk *walk)
{
    walk->word = fp_slice_word(&walk->rest);
}

static bool compare_holds(struct fp_slice operator, int order)
{
    switch (operator.text[0]) {
    case '<':
        return operator.length == 2 ? order <= 0 : order<0;
    case '>':
        return operator.length == 2 ? order >= 0 : order> 0;
    default:
        return order == 0;
    }
}

static const char *walk_version(struct walk *walk)
{
    take(walk);
    struct fp_slice operator= walk->word;
    if (!fp_slice_is(operator, "<") && !fp_slice_is(operator, "<=") &&
        !fp_slice_is(operator, "==") && !fp_slice_is(operator, ">=") && !fp_slice_is(operator, ">"))
        return "want one of < <= == >= > here";
    take(walk);
    if (!fp_version_valid(walk->word))
        return "want a version such as 0.19 here";
    struct fp_slice have = fp_slice_of(walk->version ? walk->version : "");
    walk->holds &=
        fp_version_valid(have) && compare_holds(operator, fp_version_compare(have, walk->word));
    return NULL;
}

static const char *find_variable(const char *const *environment, struct fp_slice name)
{
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name.text, name.length) == 0 &&
            (*environment)[name.length] == '=')
            return *environment + name.length + 1;
    return NULL;
}

static const char *walk_environment(struct walk *walk)
{
    take(walk);
    if (!walk->word.length || walk->word.text[0] == '=')
        return "want the name of an environment variable here";
    const char *equals = memchr(walk->word.text, '=', walk->word.length);
    struct fp_slice name = walk->word, glob = {"*", 1};
    if (equals) {
        name.length = (size_t)(equals - walk->word.text);
        glob = (struct fp_slice){equals + 1, walk->word.length - name.length - 1};
        size_t offset;
        const char *wrong = fp_glob_check(glob, &offset);
        if (wrong) {
            walk->word.text = glob.text + offset;
            return wrong;
        }
    }
    const char *value = find_variable(walk->environment, name);
    walk->holds &= value && fp_glob_match(glob, fp_slice_of(value));
    return NULL;
}

static const char *walk_clause(struct walk *walk)
{
    walk->holds = true;
    take(walk);
    if (!fp_class_parse(walk->word, &walk->class))
        return "want a class here: survives, reset, lost, refuses or unknown";
    take(walk);
    if (!walk->word.length)
        return NULL;
    if (!fp_slice_is(walk->word, "when"))
        return "want \"when\" or the end of the line here";
    do {
        take(walk);
        const char *wrong = fp_slice_is(walk->word, "version")       ? walk_version(walk)
                            : fp_slice_is(walk->word, "environment") ? walk_environment(walk)
                                                                     : "want \"version\" or "
                                                                       "\"environment\" here";
        if (wrong)
            return wrong;
        take(walk);
    } while (fp_slice_is(walk->word, "and"));
    return walk->word.length ? "want \"and\" or the end of the line here" : NULL;
}

const char *fp_clause_check(struct fp_slice clause, size_t *offset)
{
    struct walk walk = {.rest = clause};
    const char *wrong = walk_clause(&walk);
    *offset = (size_t)(walk.word.text - clause.text);
    return wrong;
}

bool fp_clause_holds(struct fp_slice clause, const char *version, const char *const *environment,
                     enum fp_class *class)
{
    struct walk walk = {.version = version, .environment = environment, .rest = clause};
    const char *wrong = walk_clause(&walk);
    *class = walk.class;
    return !wrong && walk.holds;
}
