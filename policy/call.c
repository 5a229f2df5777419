/* See call.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/call.h"

#include <string.h>

static const char *const TYPES[] = {"int", "long", "double", "pointer", "string"};

enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };

struct reader {
    const char *start, *at, *end;
    const char *wrong;
};

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
        reader->at++;
}

/* Takes `c`, or notes what is wanted here. */
static bool take(struct reader *reader, char c, const char *otherwise)
{
    skip_blanks(reader);
    if (reader->at < reader->end && *reader->at == c) {
        reader->at++;
        return true;
    }
    if (otherwise && !reader->wrong)
        reader->wrong = otherwise;
    return false;
}

static bool is_name_byte(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static struct fp_slice take_name(struct reader *reader)
{
    skip_blanks(reader);
    struct fp_slice name = {reader->at, 0};
    while (reader->at < reader->end && is_name_byte(*reader->at, !name.length)) {
        reader->at++;
        name.length++;
    }
    return name;
}

static unsigned digit_of(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
           : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                  : 99;
}

/* At least one digit, and no more than fits below `most`. */
static uint64_t take_digits(struct reader *reader, unsigned base, uint64_t most)
{
    uint64_t number = 0;
    const char *first = reader->at;
    for (; reader->at < reader->end && digit_of(*reader->at) < base; reader->at++) {
        unsigned digit = digit_of(*reader->at);
        if (number > (most - digit) / base) {
            reader->wrong = "this number is too large for its type";
            return 0;
        }
        number = number * base + digit;
    }
    if (reader->at == first && !reader->wrong)
        reader->wrong = "want a number here";
    return number;
}

static int64_t take_integer(struct reader *reader, int64_t most)
{
    bool negative = take(reader, '-', NULL);
    uint64_t number = take_digits(reader, 10, (uint64_t)most + negative);
    return negative ? (int64_t)(0 - number) : (int64_t)number;
}

static double take_real(struct reader *reader)
{
    bool negative = take(reader, '-', NULL);
    double number = (double)take_digits(reader, 10, INT64_MAX), place = 1;
    if (!reader->wrong && reader->at < reader->end && *reader->at == '.') {
        reader->at++;
        for (; reader->at < reader->end && digit_of(*reader->at) < 10; reader->at++)
            number += digit_of(*reader->at) * (place /= 10);
    }
    return negative ? -number : number;
}

static int64_t take_pointer(struct reader *reader)
{
    struct reader before = *reader;
    if (fp_slice_is(take_name(reader), "null"))
        return 0;
    *reader = before;
    if (reader->end - reader->at > 2 && reader->at[0] == '0' && reader->at[1] == 'x') {
        reader->at += 2;
        return (int64_t)take_digits(reader, 16, UINT64_MAX);
    }
    reader->wrong = "want null or 0x... here";
    return 0;
}

static struct fp_slice take_string(struct reader *reader)
{
    struct fp_slice string = {reader->at, 0};
    if (!take(reader, '"', "want a string in double quotes here"))
        return string;
    string.text = reader->at;
    const char *quote = memchr(reader->at, '"', (size_t)(reader->end - reader->at));
    if (!quote || quote - string.text >= FP_STRING_MAX) {
        reader->wrong = quote ? "this string is too long" : "this string has no end";
        return string;
    }
    string.length = (size_t)(quote - string.text);
    reader->at = quote + 1;
    return string;
}

static void take_value(struct reader *reader, struct fp_argument *argument)
{
    skip_blanks(reader);
    switch (argument->type) {
    case FP_TYPE_INT:
        argument->number = take_integer(reader, INT32_MAX);
        break;
    case FP_TYPE_LONG:
        argument->number = take_integer(reader, INT64_MAX);
        break;
    case FP_TYPE_DOUBLE:
        argument->real = take_real(reader);
        break;
    case FP_TYPE_POINTER:
        argument->number = take_pointer(reader);
        break;
    case FP_TYPE_STRING:
        argument->string = take_string(reader);
        break;
    }
}

static void take_argument(struct reader *reader, struct fp_argument *argument)
{
    skip_blanks(reader);
    const char *start = reader->at;
    struct fp_slice type = take_name(reader);
    *argument = (struct fp_argument){.string = {"", 0}};
    for (unsigned i = 0; i < TYPE_COUNT; i++) {
        if (fp_slice_is(type, TYPES[i])) {
            argument->type = (enum fp_type)i;
            take_value(reader, argument);
            return;
        }
    }
    reader->at = start;
    reader->wrong = "want a type here: int, long, double, pointer or string";
}

static void take_arguments(struct reader *reader, struct fp_call *call)
{
    if (!take(reader, '(', "want '(' behind the function's name") || take(reader, ')', NULL))
        return;
    do {
        if (call->count == FP_ARGUMENTS_MAX) {
            reader->wrong = "a call has 8 arguments at most";
            return;
        }
        take_argument(reader, &call->arguments[call->count++]);
    } while (!reader->wrong && take(reader, ',', NULL));
    if (!reader->wrong)
        take(reader, ')', "want ',' or ')' here");
}

const char *fp_call_parse(struct fp_slice text, struct fp_call *call, size_t *offset)
{
    struct reader reader = {text.text, text.text, text.text + text.length, NULL};
    *call = (struct fp_call){.name = take_name(&reader)};
    if (!call->name.length)
        reader.wrong = "want the name of a function here";
    else
        take_arguments(&reader, call);
    skip_blanks(&reader);
    if (!reader.wrong && reader.at < reader.end)
        reader.wrong = "want the end of the line here";
    *offset = (size_t)(reader.at - reader.start);
    return reader.wrong;
}
