/* See rules.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/rules.h"

#include "policy/glob.h"

#include <string.h>

static const char *const ACTION_NAMES[] = {
#define FP_ACTION(NAME, name, available, help) name,
#include "policy/actions.def"
#undef FP_ACTION
};

static const char KNOWN_ACTIONS[] =
#define FP_ACTION(NAME, name, available, help) ", " name
#include "policy/actions.def"
#undef FP_ACTION
    ;

static const char *const CLASS_NAMES[] = {
#define FP_CLASS(NAME, name, help) name,
#include "policy/classes.def"
#undef FP_CLASS
};

const char *fp_action_name(enum fp_action action)
{
    return ACTION_NAMES[action];
}

const char *fp_class_name(enum fp_class class)
{
    return CLASS_NAMES[class];
}

static int find_name(const char *const *names, int count, struct fp_slice name)
{
    for (int i = 0; i < count; i++)
        if (fp_slice_is(name, names[i]))
            return i;
    return -1;
}

bool fp_action_parse(struct fp_slice name, enum fp_action *action)
{
    int found = find_name(ACTION_NAMES, FP_ACTION_COUNT, name);
    if (found >= 0)
        *action = (enum fp_action)found;
    return found >= 0;
}

bool fp_class_parse(struct fp_slice name, enum fp_class *class)
{
    int found = find_name(CLASS_NAMES, FP_CLASS_COUNT, name);
    if (found >= 0)
        *class = (enum fp_class)found;
    return found >= 0;
}

/* "unknown action "x" (off, warn, ...)": the one sentence that every bad word gets. */
static void note_action(struct fp_problem *problem, unsigned line, unsigned column,
                        struct fp_slice word)
{
    char shown[80];
    struct fp_text quoted = FP_TEXT(shown);
    fp_text_quote(&quoted, word, 32);
    fp_problem_note(problem, line, column,
                    word.length ? "unknown action \"%s\" (known: %s)"
                                : "empty entry%s (an entry is ACTION or ACTION:PATTERN)",
                    shown, KNOWN_ACTIONS + strlen(", "));
}

/* NULL, or what is wrong with a pattern, and where in it. */
static const char *check_pattern(const struct fp_rule *rule, size_t *offset)
{
    if (!rule->pattern.length)
        return "':' without a pattern behind it";
    if (rule->action == FP_ACTION_SPAWN || rule->action == FP_ACTION_FORKSERVER)
        return "a start method is for the whole job: no pattern";
    return fp_glob_check(rule->pattern, offset);
}

/* A '#' that is neither quoted nor in a set: somebody meant a comment, which would be part of the
   pattern and switch the entry off. */
static const char *find_comment(struct fp_slice entry)
{
    bool in_set = false;
    for (size_t i = 0; i < entry.length; i++) {
        char c = entry.text[i];
        if (c == '\\')
            i++;
        else if (c == '[')
            in_set = true;
        else if (c == ']')
            in_set = false;
        else if (c == '#' && !in_set)
            return entry.text + i;
    }
    return NULL;
}

static void parse_entry(struct fp_rules *rules, struct fp_slice entry, unsigned line,
                        unsigned column, struct fp_problem *problem)
{
    const char *colon = entry.length ? memchr(entry.text, ':', entry.length) : NULL;
    struct fp_slice word = {entry.text, colon ? (size_t)(colon - entry.text) : entry.length};
    struct fp_rule rule = {.line = line, .column = column};
    const char *comment = find_comment(entry);
    if (comment) {
        fp_problem_note(problem, line, column + (unsigned)(comment - entry.text),
                        "a comment cannot stand here (write [#] for a '#' in a pattern)");
        return;
    }
    if (!fp_action_parse(word, &rule.action)) {
        note_action(problem, line, column, word);
        return;
    }
    if (colon) {
        unsigned at = column + (unsigned)word.length + 1;
        size_t offset = 0;
        rule.pattern = fp_slice_trim((struct fp_slice){colon + 1, entry.length - word.length - 1});
        at += (unsigned)(rule.pattern.text - colon - 1);
        const char *wrong = check_pattern(&rule, &offset);
        if (wrong) {
            fp_problem_note(problem, line, at + (unsigned)offset, "%s", wrong);
            return;
        }
    }
    if (rules->count == FP_RULES_MAX) {
        fp_problem_note(problem, line, column, "more than %d entries", FP_RULES_MAX);
        return;
    }
    rules->rules[rules->count++] = rule;
}

void fp_rules_parse(struct fp_rules *rules, struct fp_slice text, unsigned line, unsigned column,
                    struct fp_problem *problem)
{
    for (;;) {
        const char *comma = text.length ? memchr(text.text, ',', text.length) : NULL;
        size_t length = comma ? (size_t)(comma - text.text) : text.length;
        struct fp_slice entry = fp_slice_trim((struct fp_slice){text.text, length});
        parse_entry(rules, entry, line, column + (unsigned)(entry.text - text.text), problem);
        if (!comma)
            return;
        text.text += length + 1;
        text.length -= length + 1;
        column += (unsigned)length + 1;
    }
}
