/*
 * Bounded text, without stdio or malloc: whatever does not fit is cut, and `cut` says so. Every
 * function here may run between fork and exec or in a signal handler.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_TEXT_H
#define FP_POLICY_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes that somebody else owns; not terminated. */
struct fp_slice {
    const char *text;
    size_t length;
};

struct fp_text {
    char *data; /* always terminated */
    size_t size;
    size_t length;
    bool cut;
};

/* An initialiser over a caller's array: struct fp_text line = FP_TEXT(buffer); */
#define FP_TEXT(array)                                                    \
    {                                                                     \
        .data = (array), .size = sizeof(array), .length = 0, .cut = false \
    }

/* For "%.*s" with a slice. */
#define FP_SLICE(slice) (int)(slice).length, (slice).text

struct fp_slice fp_slice_of(const char *string);
bool fp_slice_is(struct fp_slice slice, const char *string);
struct fp_slice fp_slice_trim(struct fp_slice slice);

/* Takes the next word (up to a blank) off the front of *rest; empty at the end. */
struct fp_slice fp_slice_word(struct fp_slice *rest);

/* Takes the next entry of a comma-separated list off the front of *rest, without blanks around it;
   *column is that of *rest, *at that of the entry. False behind the last one. */
bool fp_slice_entry(struct fp_slice *rest, unsigned *column, struct fp_slice *entry, unsigned *at);

void fp_text_reset(struct fp_text *text);

/* Takes away what was appended since the text was so long. */
void fp_text_back(struct fp_text *text, size_t length);
void fp_text_append(struct fp_text *text, const char *bytes, size_t length);

/* The part of printf that is needed: %s %.*s %c %d %ld %u %lu %zu %x %lx %%. */
__attribute__((format(printf, 2, 3))) void fp_text_format(struct fp_text *text, const char *format,
                                                          ...);

__attribute__((format(printf, 2, 0))) void fp_text_vformat(struct fp_text *text, const char *format,
                                                           va_list arguments);

/* Appends what came from outside: control bytes and invalid UTF-8 as \xNN, `most` bytes at most. */
void fp_text_quote(struct fp_text *text, struct fp_slice bytes, size_t most);

/* Appends a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void fp_text_json(struct fp_text *text, struct fp_slice bytes);

/* The part after the last '/'. */
const char *fp_basename(const char *path);

#endif
