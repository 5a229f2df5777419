/*
 * What holds of all that is said on stderr. SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_LINES_H
#define FP_TESTS_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { BEHIND = 16 }; /* bytes behind a text, filled with 'C' before, which stay as they are */

/* Asserts of a text of so many bytes, in a buffer of `size` and BEHIND: whole lines, each with its
   prefix and without control bytes; of less than 13 nothing is asked. */
void check_told(const char *buffer, size_t size, size_t length);

bool valid_utf8(const char *at);

#endif
