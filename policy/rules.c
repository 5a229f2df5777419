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
#define FP_CLASS(NAME, name, help, message) name,
#include "policy/classes.def"
#undef FP_CLASS
};

static const char *const CLASS_MESSAGES[] = {
#define FP_CLASS(NAME, name, help, message) message,
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

const char *fp_class_message(enum fp_class class)
{
    return CLASS_MESSAGES[class];
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
                                : "empty entry%s (an entry is ACTION[:PATTERN][@PLACE])",
                    shown, KNOWN_ACTIONS + strlen(", "));
}

/* What an action cannot have, or NULL. */
static const char *check_action(const struct fp_rule *rule)
{
    if (rule->action == FP_ACTION_SPAWN || rule->action == FP_ACTION_FORKSERVER)
        return "a start method is for the whole job: no pattern, no place";
    if (rule->action == FP_ACTION_CARRY && rule->place.file.length)
        return "threads are made ready to be carried when they start: no place";
    return NULL;
}

/* "PATTERN", "PATTERN@PLACE" or "@PLACE". NULL, or what is wrong, and where. */
static const char *read_what(struct fp_rule *rule, struct fp_slice what, size_t *offset)
{
    const char *at = fp_glob_find(what, '@');
    struct fp_slice pattern = {what.text, at ? (size_t)(at - what.text) : what.length};
    *offset = 0;
    rule->pattern = fp_slice_trim(pattern);
    const char *wrong = fp_glob_check(rule->pattern, offset);
    *offset += (size_t)(rule->pattern.text - what.text);
    if (wrong || !at)
        return wrong;
    struct fp_slice place = {at + 1, what.length - pattern.length - 1};
    wrong = fp_place_parse(place, &rule->place, offset);
    *offset += pattern.length + 1;
    return wrong;
}

/* A '#' that is neither quoted nor in a set: somebody meant a comment, which would be part of the
   pattern and switch the entry off. */
static const char COMMENT[] = "a comment cannot stand here (write [#] for a '#' in a pattern)";

/* What stands behind an action: ":PATTERN", ":PATTERN@PLACE" or "@PLACE". */
static const char *read_behind(struct fp_rule *rule, struct fp_slice behind, size_t *offset)
{
    bool colon = behind.text[0] == ':';
    *offset = 0;
    behind.text += colon;
    behind.length -= colon;
    const char *wrong = read_what(rule, behind, offset);
    *offset += colon;
    if (wrong)
        return wrong;
    *offset = colon ? (size_t)(rule->pattern.text - behind.text) + 1 : 0;
    return colon && !rule->pattern.length ? "':' without a pattern behind it" : check_action(rule);
}

static void keep_rule(struct fp_rules *rules, const struct fp_rule *rule,
                      struct fp_problem *problem)
{
    if (rules->count == FP_RULES_MAX)
        fp_problem_note(problem, rule->line, rule->column, "more than %d entries", FP_RULES_MAX);
    else
        rules->rules[rules->count++] = *rule;
}

static void parse_entry(struct fp_rules *rules, struct fp_slice entry, unsigned line,
                        unsigned column, struct fp_problem *problem)
{
    size_t length = 0, offset = 0;
    while (length < entry.length && entry.text[length] != ':' && entry.text[length] != '@')
        length++;
    struct fp_slice word = {entry.text, length};
    struct fp_slice behind = {entry.text + length, entry.length - length};
    struct fp_rule rule = {.line = line, .column = column};
    const char *comment = fp_glob_find(entry, '#'), *wrong = NULL;
    if (comment) {
        fp_problem_note(problem, line, column + (unsigned)(comment - entry.text), "%s", COMMENT);
        return;
    }
    if (behind.length && behind.text[0] == '@')
        word = fp_slice_trim(word);
    if (!fp_action_parse(word, &rule.action)) {
        note_action(problem, line, column, word);
        return;
    }
    if (behind.length)
        wrong = read_behind(&rule, behind, &offset);
    if (wrong)
        fp_problem_note(problem, line, column + (unsigned)(length + offset), "%s", wrong);
    else
        keep_rule(rules, &rule, problem);
}

/* The word that divides an allow line, with a blank on both sides, or NULL. */
static const char *find_because(struct fp_slice text)
{
    static const char WORD[] = "because";
    struct fp_slice rest = text;
    while (rest.length) {
        struct fp_slice word = fp_slice_word(&rest);
        if (fp_slice_is(word, WORD))
            return word.text;
    }
    return NULL;
}

const char *fp_rule_allow(struct fp_rule *rule, struct fp_slice text, size_t *offset)
{
    const char *because = find_because(text), *comment;
    struct fp_slice what = {text.text, because ? (size_t)(because - text.text) : text.length};
    rule->action = FP_ACTION_OFF;
    *offset = 0;
    if ((comment = fp_glob_find(what, '#'))) {
        *offset = (size_t)(comment - text.text);
        return COMMENT;
    }
    what = fp_slice_trim(what);
    if (!what.length)
        return "want the runtime or @PLACE that is allowed here";
    const char *wrong = read_what(rule, what, offset);
    *offset += (size_t)(what.text - text.text);
    if (wrong)
        return wrong;
    *offset = text.length;
    if (!because)
        return "want \"because\" and the reason here";
    const char *reason = because + strlen("because");
    rule->reason =
        fp_slice_trim((struct fp_slice){reason, (size_t)(text.text + text.length - reason)});
    return rule->reason.length ? NULL : "want the reason here";
}

void fp_rules_allow(struct fp_rules *rules, struct fp_slice text, unsigned line, unsigned column,
                    struct fp_problem *problem)
{
    struct fp_rule rule = {.line = line, .column = column};
    size_t offset;
    const char *wrong = fp_rule_allow(&rule, text, &offset);
    if (wrong)
        fp_problem_note(problem, line, column + (unsigned)offset, "%s", wrong);
    else
        keep_rule(rules, &rule, problem);
}

void fp_rules_parse(struct fp_rules *rules, struct fp_slice text, unsigned line, unsigned column,
                    struct fp_problem *problem)
{
    struct fp_slice entry;
    unsigned at;
    while (fp_slice_entry(&text, &column, &entry, &at))
        parse_entry(rules, entry, line, at, problem);
}
