/* See glob.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/glob.h"

/* The index behind the ']' that closes the set opened at `open`, or 0. */
static size_t set_end(struct fp_slice glob, size_t open)
{
    size_t at = open + 1;
    if (at < glob.length && glob.text[at] == '!')
        at++;
    if (at < glob.length && glob.text[at] == ']')
        at++; /* a ']' in first place is a member */
    while (at < glob.length && glob.text[at] != ']')
        at++;
    return at < glob.length ? at + 1 : 0;
}

const char *fp_glob_check(struct fp_slice glob, size_t *offset)
{
    for (size_t at = 0; at < glob.length; at++) {
        *offset = at;
        if (glob.text[at] == '\\' && ++at == glob.length)
            return "the pattern ends in a lone '\\'";
        if (glob.text[*offset] == '[') {
            size_t end = set_end(glob, at);
            if (!end)
                return "'[' without ']'";
            at = end - 1;
        }
    }
    return NULL;
}

const char *fp_glob_find(struct fp_slice glob, char c)
{
    for (size_t at = 0; at < glob.length; at++) {
        size_t end = glob.text[at] == '[' ? set_end(glob, at) : 0;
        if (glob.text[at] == c)
            return glob.text + at;
        if (glob.text[at] == '\\')
            at++;
        else if (end)
            at = end - 1;
    }
    return NULL;
}

/* Matches one subject byte against the element at *at and steps over the element. */
static bool element_matches(struct fp_slice glob, size_t *at, char c)
{
    size_t here = *at;
    char element = glob.text[here];
    *at = here + 1;
    if (element == '?')
        return true;
    if (element == '\\') {
        if (here + 1 >= glob.length)
            return false;
        *at = here + 2;
        return glob.text[here + 1] == c;
    }
    if (element != '[')
        return element == c;
    size_t end = set_end(glob, here);
    if (!end)
        return false;
    *at = end;
    size_t member = here + 1;
    bool negated = glob.text[member] == '!';
    member += negated;
    bool found = false;
    for (; member < end - 1; member++) {
        unsigned char low = (unsigned char)glob.text[member], high = low;
        if (member + 2 < end - 1 && glob.text[member + 1] == '-') {
            high = (unsigned char)glob.text[member + 2];
            member += 2;
        }
        found |= low <= (unsigned char)c && (unsigned char)c <= high;
    }
    return found != negated;
}

bool fp_glob_match(struct fp_slice glob, struct fp_slice subject)
{
    size_t at = 0, from = 0;
    size_t star = glob.length + 1, retry = 0; /* behind the last '*'; where it last gave up */
    while (from < subject.length) {
        size_t next = at;
        if (at < glob.length && glob.text[at] == '*') {
            star = ++at;
            retry = from;
        } else if (at < glob.length && element_matches(glob, &next, subject.text[from])) {
            at = next;
            from++;
        } else if (star <= glob.length) {
            at = star;
            from = ++retry;
        } else {
            return false;
        }
    }
    while (at < glob.length && glob.text[at] == '*')
        at++;
    return at == glob.length;
}
