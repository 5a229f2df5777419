/*
 * What is wrong with a text that somebody wrote, and where: one line for the first problem, a count
 * for the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_PROBLEM_H
#define FP_POLICY_PROBLEM_H

#include "policy/text.h"

struct fp_problem {
    unsigned count;
    unsigned line, column; /* 1-based, in bytes; of the first */
    char message[240];
};

/* Keeps the first problem and counts the others. */
__attribute__((format(printf, 4, 5))) void fp_problem_note(struct fp_problem *problem,
                                                           unsigned line, unsigned column,
                                                           const char *format, ...);

/* Appends "SUBJECT column 7: MESSAGE (and 2 more)". */
void fp_problem_of_string(struct fp_text *text, const char *subject,
                          const struct fp_problem *problem);

/* Appends "PATH:3:7: MESSAGE (and 2 more)". */
void fp_problem_of_file(struct fp_text *text, const char *path, const struct fp_problem *problem);

#endif
