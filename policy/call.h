/*
 * The prepare line of a runtime: a function of its library that the parent calls before a fork.
 *
 *     NAME(TYPE VALUE, ...)     omp_pause_resource_all(int 1)
 *
 * TYPE is int, long, double, pointer or string; a pointer is null or hexadecimal, a string stands
 * in double quotes and takes what is between them as it is. What the function returns is an int: 0
 * where it worked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_CALL_H
#define FP_POLICY_CALL_H

#include "policy/text.h"

#include <stdint.h>

enum { FP_ARGUMENTS_MAX = 8, FP_STRING_MAX = 128 };

enum fp_type { FP_TYPE_INT, FP_TYPE_LONG, FP_TYPE_DOUBLE, FP_TYPE_POINTER, FP_TYPE_STRING };

struct fp_argument {
    enum fp_type type;
    int64_t number; /* of int, long and pointer */
    double real;
    struct fp_slice string;
};

struct fp_call {
    struct fp_slice name;
    size_t count;
    struct fp_argument arguments[FP_ARGUMENTS_MAX];
};

/* NULL when `text` is well formed, and *call is filled; else what is wrong, and *offset is the byte
   to blame. */
const char *fp_call_parse(struct fp_slice text, struct fp_call *call, size_t *offset);

#endif
