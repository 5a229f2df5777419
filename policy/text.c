/* See text.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

struct fp_slice fp_slice_of(const char *string)
{
    return (struct fp_slice){string, string ? strlen(string) : 0};
}

bool fp_slice_is(struct fp_slice slice, const char *string)
{
    return strlen(string) == slice.length &&
           (!slice.length || memcmp(slice.text, string, slice.length) == 0);
}

struct fp_slice fp_slice_trim(struct fp_slice slice)
{
    while (slice.length && is_blank(slice.text[0])) {
        slice.text++;
        slice.length--;
    }
    while (slice.length && is_blank(slice.text[slice.length - 1]))
        slice.length--;
    return slice;
}

struct fp_slice fp_slice_word(struct fp_slice *rest)
{
    *rest = fp_slice_trim(*rest);
    struct fp_slice word = {rest->text, 0};
    while (word.length < rest->length && !is_blank(rest->text[word.length]))
        word.length++;
    rest->text += word.length;
    rest->length -= word.length;
    return word;
}

bool fp_slice_entry(struct fp_slice *rest, unsigned *column, struct fp_slice *entry, unsigned *at)
{
    if (!rest->text)
        return false;
    const char *comma = rest->length ? memchr(rest->text, ',', rest->length) : NULL;
    size_t length = comma ? (size_t)(comma - rest->text) : rest->length;
    *entry = fp_slice_trim((struct fp_slice){rest->text, length});
    *at = *column + (unsigned)(entry->text - rest->text);
    *rest = comma ? (struct fp_slice){comma + 1, rest->length - length - 1}
                  : (struct fp_slice){NULL, 0};
    *column += (unsigned)length + 1;
    return true;
}

void fp_text_reset(struct fp_text *text)
{
    fp_text_back(text, 0);
}

void fp_text_back(struct fp_text *text, size_t length)
{
    text->length = length;
    text->cut = false;
    text->data[length] = '\0';
}

void fp_text_append(struct fp_text *text, const char *bytes, size_t length)
{
    size_t room = text->length + 1 < text->size ? text->size - text->length - 1 : 0;
    if (length > room) {
        length = room;
        for (int i = 0; i < 3 && length && ((unsigned char)bytes[length] & 0xc0) == 0x80; i++)
            length--; /* half a character would make the whole text invalid UTF-8 */
        text->cut = true;
    }
    if (length)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    if (text->length < text->size)
        text->data[text->length] = '\0';
}

static const char HEX[] = "0123456789abcdef";

static void append_number(struct fp_text *text, bool negative, unsigned long value, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = HEX[value % base];
    while (value /= base);
    if (negative)
        digits[--at] = '-';
    fp_text_append(text, digits + at, sizeof digits - at);
}

static void append_signed(struct fp_text *text, long value)
{
    append_number(text, value < 0, value < 0 ? 0UL - (unsigned long)value : (unsigned long)value,
                  10);
}

void fp_text_vformat(struct fp_text *text, const char *format, va_list arguments)
{
    for (const char *at = format; *at; at++) {
        const char *percent = strchr(at, '%');
        size_t plain = percent ? (size_t)(percent - at) : strlen(at);
        fp_text_append(text, at, plain);
        if (!percent)
            break;
        at = percent + 1;
        if (*at == 's') {
            const char *string = va_arg(arguments, const char *);
            fp_text_append(text, string, strlen(string));
        } else if (strncmp(at, ".*s", 3) == 0) {
            int length = va_arg(arguments, int);
            fp_text_append(text, va_arg(arguments, const char *), (size_t)length);
            at += 2;
        } else if (*at == 'c') {
            char c = (char)va_arg(arguments, int);
            fp_text_append(text, &c, 1);
        } else if (*at == 'd') {
            append_signed(text, va_arg(arguments, int));
        } else if (*at == 'u') {
            append_number(text, false, va_arg(arguments, unsigned), 10);
        } else if (*at == 'x') {
            append_number(text, false, va_arg(arguments, unsigned), 16);
        } else if (strncmp(at, "ld", 2) == 0) {
            append_signed(text, va_arg(arguments, long));
            at++;
        } else if (strncmp(at, "lu", 2) == 0 || strncmp(at, "zu", 2) == 0) {
            append_number(text, false, va_arg(arguments, unsigned long), 10);
            at++;
        } else if (strncmp(at, "lx", 2) == 0) {
            append_number(text, false, va_arg(arguments, unsigned long), 16);
            at++;
        } else {
            fp_text_append(text, "%", 1);
            if (*at != '%')
                at--;
        }
    }
}

void fp_text_format(struct fp_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fp_text_vformat(text, format, arguments);
    va_end(arguments);
}

/* The length of the valid UTF-8 sequence at `at`, or 0 (overlong, surrogate and cut ones too). */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (length == 1)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

void fp_text_quote(struct fp_text *text, struct fp_slice bytes, size_t most)
{
    size_t shown = bytes.length > most ? most : bytes.length;
    fp_text_append(text, "", 0); /* terminated even where there is nothing to show */
    for (size_t i = 0; i < shown;) {
        const unsigned char *at = (const unsigned char *)bytes.text + i;
        size_t length = utf8_length(at, shown - i);
        if (length && *at >= 0x20 && *at != 0x7f) {
            fp_text_append(text, (const char *)at, length);
        } else {
            char escape[4] = {'\\', 'x', HEX[*at >> 4], HEX[*at & 15]};
            fp_text_append(text, escape, 4);
            length = 1;
        }
        i += length;
    }
    if (shown < bytes.length)
        fp_text_format(text, "...");
}

void fp_text_json(struct fp_text *text, struct fp_slice bytes)
{
    fp_text_append(text, "\"", 1);
    for (size_t i = 0; i < bytes.length;) {
        const unsigned char *at = (const unsigned char *)bytes.text + i;
        size_t length = utf8_length(at, bytes.length - i);
        if (!length) {
            fp_text_append(text, "\xef\xbf\xbd", 3);
            length = 1;
        } else if (*at == '"' || *at == '\\') {
            char escape[2] = {'\\', (char)*at};
            fp_text_append(text, escape, 2);
        } else if (*at < 0x20 || *at == 0x7f) {
            char escape[6] = {'\\', 'u', '0', '0', HEX[*at >> 4], HEX[*at & 15]};
            fp_text_append(text, escape, 6);
        } else {
            fp_text_append(text, (const char *)at, length);
        }
        i += length;
    }
    fp_text_append(text, "\"", 1);
}

const char *fp_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
