/* See options.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/options.h"

#include <string.h>

enum { HANG_LEAST_MILLISECONDS = 50, HANG_MOST_SECONDS = 86400, QUIESCE_MOST_MILLISECONDS = 60000 };

enum key {
#define FP_OPTION_KEY(field, key, kind, initial, allowed, help) KEY_##field,
#include "policy/options.def"
#undef FP_OPTION_KEY
    KEY_COUNT
};

static const struct {
    const char *name, *initial, *allowed;
} KEYS[] = {
#define FP_OPTION_KEY(field, key, kind, initial, allowed, help) {key, initial, allowed},
#include "policy/options.def"
#undef FP_OPTION_KEY
};

/* ", KEY, KEY": a list from its third byte on. */
static const char KEYS_LISTED[] =
#define FP_OPTION_KEY(field, key, kind, initial, allowed, help) ", " key
#include "policy/options.def"
#undef FP_OPTION_KEY
    ;

/* The place of the value among the words of "one|two|three". */
static bool read_choice(struct fp_slice value, const char *words, unsigned *place)
{
    for (*place = 0;; ++*place) {
        size_t length = strcspn(words, "|");
        if (length == value.length && memcmp(words, value.text, length) == 0)
            return true;
        if (!words[length])
            return false;
        words += length + 1;
    }
}

/* Empty is 0. False for what is no digit, and for more than any option can be. */
static bool read_digits(struct fp_slice digits, unsigned *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.length; i++) {
        char c = digits.text[i];
        if (c < '0' || c > '9')
            return false;
        *number = *number * 10 + (unsigned)(c - '0');
        if (*number > HANG_MOST_SECONDS)
            return false;
    }
    return true;
}

/* strtod follows the locale of the host. */
static bool read_seconds(struct fp_slice value, const char *allowed, unsigned *milliseconds)
{
    const char *point = value.length ? memchr(value.text, '.', value.length) : NULL;
    struct fp_slice whole = {value.text, point ? (size_t)(point - value.text) : value.length};
    struct fp_slice decimals = {point ? point + 1 : "",
                                point ? value.length - whole.length - 1 : 0};
    unsigned seconds, part;
    (void)allowed;
    if (!(whole.length + decimals.length) || decimals.length > 3 || !read_digits(whole, &seconds) ||
        !read_digits(decimals, &part))
        return false;
    for (size_t i = decimals.length; i < 3; i++)
        part *= 10;
    *milliseconds = seconds * 1000 + part;
    return *milliseconds >= HANG_LEAST_MILLISECONDS && *milliseconds <= HANG_MOST_SECONDS * 1000;
}

static bool read_milliseconds(struct fp_slice value, const char *allowed, unsigned *milliseconds)
{
    (void)allowed;
    return value.length && read_digits(value, milliseconds) &&
           *milliseconds <= QUIESCE_MOST_MILLISECONDS;
}

/* False for a value that the key does not take; the option stays as it was. */
static bool set_option(struct fp_options *options, enum key key, struct fp_slice value)
{
    unsigned number;
    switch (key) {
#define FP_OPTION_KEY(field, key, kind, initial, allowed, help) \
    case KEY_##field:                                           \
        if (!read_##kind(value, allowed, &number))              \
            return false;                                       \
        options->field = number;                                \
        return true;
#include "policy/options.def"
#undef FP_OPTION_KEY
    case KEY_COUNT:
        break;
    }
    return false;
}

static enum key find_key(struct fp_slice name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (fp_slice_is(name, KEYS[i].name))
            return (enum key)i;
    return KEY_COUNT;
}

static void note_entry(struct fp_problem *problem, unsigned column, struct fp_slice entry)
{
    char shown[104];
    struct fp_text quoted = FP_TEXT(shown);
    fp_text_quote(&quoted, entry, 24);
    fp_problem_note(problem, 1, column,
                    entry.length ? "no '=' in \"%s\" (an entry is KEY=VALUE)"
                                 : "empty entry%s (an entry is KEY=VALUE)",
                    shown);
}

static void note_key(struct fp_problem *problem, unsigned column, struct fp_slice name)
{
    char shown[104];
    struct fp_text quoted = FP_TEXT(shown);
    fp_text_quote(&quoted, name, 24);
    fp_problem_note(problem, 1, column, "unknown key \"%s\" (known: %s)", shown, KEYS_LISTED + 2);
}

static void note_value(struct fp_problem *problem, unsigned column, enum key key,
                       struct fp_slice value)
{
    char shown[104];
    struct fp_text quoted = FP_TEXT(shown);
    fp_text_quote(&quoted, value, 24);
    fp_problem_note(problem, 1, column, "bad value \"%s\" for %s (allowed: %s)", shown,
                    KEYS[key].name, KEYS[key].allowed);
}

static void parse_entry(struct fp_options *options, struct fp_slice entry, unsigned column,
                        struct fp_problem *problem)
{
    const char *equals = entry.length ? memchr(entry.text, '=', entry.length) : NULL;
    if (!equals) {
        note_entry(problem, column, entry);
        return;
    }
    struct fp_slice name = {entry.text, (size_t)(equals - entry.text)};
    struct fp_slice value = {equals + 1, entry.length - name.length - 1};
    enum key key = find_key(name);
    value = fp_slice_trim(value);
    if (key == KEY_COUNT)
        note_key(problem, column, name);
    else if (!set_option(options, key, value))
        note_value(problem, column + (unsigned)(value.text - entry.text), key, value);
}

void fp_options_default(struct fp_options *options)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        set_option(options, (enum key)i, fp_slice_of(KEYS[i].initial));
}

void fp_options_parse(struct fp_options *options, struct fp_slice text, struct fp_problem *problem)
{
    struct fp_slice entry;
    unsigned column = 1, at;
    while (fp_slice_entry(&text, &column, &entry, &at))
        parse_entry(options, entry, at, problem);
}
