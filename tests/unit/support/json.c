/* See json.h. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/json.h"

#include <stddef.h>
#include <string.h>

/* Each skips one thing: what stands behind it, or NULL where it is none. */
static const char *skip_value(const char *at, int depth);

static const char *skip_escape(const char *at)
{
    if (at[1] != 'u')
        return at[1] && strchr("\"\\/bfnrt", at[1]) ? at + 2 : NULL;
    return strspn(at + 2, "0123456789abcdefABCDEF") >= 4 ? at + 6 : NULL;
}

static const char *skip_character(const char *at)
{
    unsigned char c = (unsigned char)*at++;
    if (c < 0x20 || (c >= 0x80 && c < 0xc2) || c > 0xf4)
        return NULL;
    for (int more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1; more; more--)
        if (((unsigned char)*at++ & 0xc0) != 0x80)
            return NULL;
    return at;
}

static const char *skip_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (at && *at != '"')
        at = *at == '\\' ? skip_escape(at) : skip_character(at);
    return at ? at + 1 : NULL;
}

static const char *skip_number(const char *at)
{
    at += *at == '-';
    size_t digits = *at == '0' ? 1 : strspn(at, "0123456789");
    if (!digits)
        return NULL;
    at += digits;
    if (*at != '.')
        return at;
    digits = strspn(at + 1, "0123456789");
    return digits ? at + 1 + digits : NULL;
}

static const char *skip_list(const char *at, char close, int depth)
{
    if (*++at == close)
        return at + 1;
    for (;; at++) {
        if (close == '}') {
            at = skip_string(at);
            if (!at || *at++ != ':')
                return NULL;
        }
        at = skip_value(at, depth + 1);
        if (!at)
            return NULL;
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

static const char *skip_value(const char *at, int depth)
{
    static const char *const WORDS[] = {"null", "true", "false"};
    if (depth > 20)
        return NULL;
    if (*at == '{')
        return skip_list(at, '}', depth);
    if (*at == '[')
        return skip_list(at, ']', depth);
    if (*at == '"')
        return skip_string(at);
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strncmp(at, WORDS[i], strlen(WORDS[i])) == 0)
            return at + strlen(WORDS[i]);
    return skip_number(at);
}

bool is_record(const char *text)
{
    const char *end = *text == '{' ? skip_value(text, 0) : NULL;
    return end && strcmp(end, "\n") == 0;
}
