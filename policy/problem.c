/* See problem.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/problem.h"

void fp_problem_note(struct fp_problem *problem, unsigned line, unsigned column, const char *format,
                     ...)
{
    if (problem->count++)
        return;
    problem->line = line;
    problem->column = column;
    struct fp_text message = FP_TEXT(problem->message);
    va_list arguments;
    va_start(arguments, format);
    fp_text_vformat(&message, format, arguments);
    va_end(arguments);
}

static void add_more(struct fp_text *text, const struct fp_problem *problem)
{
    fp_text_format(text, "%s", problem->message);
    if (problem->count > 1)
        fp_text_format(text, " (and %u more)", problem->count - 1);
}

void fp_problem_of_string(struct fp_text *text, const char *subject,
                          const struct fp_problem *problem)
{
    fp_text_format(text, "%s column %u: ", subject, problem->column);
    add_more(text, problem);
}

void fp_problem_of_file(struct fp_text *text, const char *path, const struct fp_problem *problem)
{
    fp_text_quote(text, fp_slice_of(path), 300);
    fp_text_format(text, ":%u:%u: ", problem->line, problem->column);
    add_more(text, problem);
}
