/*
 * A validator of RFC 8259 that knows nothing but whether. SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_TESTS_JSON_H
#define FP_TESTS_JSON_H

#include <stdbool.h>

/* One object on one line, with the newline that ends it and nothing else behind it. */
bool is_record(const char *text);

#endif
