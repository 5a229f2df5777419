/*
 * The Python room: all that the shim knows of CPython is in python.c. Without Python in the
 * process every function here says "no". Nothing takes the GIL: what needs it is done only where
 * the calling thread holds it already.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_PYTHON_H
#define FP_SHIM_PYTHON_H

#include "shim/owners.h"

#include <stddef.h>

enum { FP_LINE_SIZE = 512, FP_FUNCTION_SIZE = 64 };

/* The calling thread's Python stack as far as it matters. "" = there is no such line. */
struct fp_python_stack {
    char innermost[FP_LINE_SIZE]; /* "file:line"; threading.py is passed over */
    char library[FP_LINE_SIZE];   /* the first line in an installed package */
    char called[FP_LINE_SIZE];    /* the line that the user's line called, if it called any */
    char user[FP_LINE_SIZE];      /* the first line outside packages and the standard library */
    char function[FP_FUNCTION_SIZE];
    bool execs; /* the policy knows that this code forks to exec */
};

/* In the constructor; Python may be there already, not initialised yet. */
void fp_python_init(bool refuses);

/* Whether Python runs in this process. */
bool fp_python_runs(void);

/* "3.11.7", or "" where there is no Python. Static. */
const char *fp_python_version(void);

/* Whether forks can be refused by an exception (audit hooks: Python 3.8 and later). */
bool fp_python_raises(void);

/* Whether this code is Python's own: its threads run Python code, its forks go on in Python. */
bool fp_python_owns(struct fp_owner owner);

/* False, and all empty, where the calling thread does not hold the GIL. */
bool fp_python_stack(struct fp_python_stack *stack);

/* The name that Python code gave to a thread (threading.Thread.name); false where it gave none. */
bool fp_python_thread_name(int tid, char *name, size_t size);

/* Sets ForkPolicyError with this message, for an audit hook to return -1. */
void fp_python_raise(const char *message);

#endif
