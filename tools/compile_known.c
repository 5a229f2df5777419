/*
 * Build tool: known.policy as constant data, so that the shim neither reads nor parses it, and a
 * mistake in it stops the build. Usage: compile_known known.policy > known.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy/policy_text.h"

#include <stdio.h>
#include <stdlib.h>

static struct fp_policy_file file;
static char text[FP_POLICY_FILE_MAX];

static void print_text(size_t length)
{
    printf("    .text =\n        \"");
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            printf("\\n\"\n        \"");
        else if (text[i] == '"' || text[i] == '\\' || text[i] == '?')
            printf("\\%c", text[i]);
        else
            putchar(text[i]);
    }
    printf("\",\n");
}

int main(int count, char **arguments)
{
    FILE *stream = count == 2 ? fopen(arguments[1], "r") : NULL;
    if (!stream) {
        fprintf(stderr, "usage: compile_known FILE\n");
        return 2;
    }
    size_t length = fread(text, 1, sizeof text, stream);
    struct fp_problem problem = {0};
    fclose(stream);
    fp_policy_file_parse(&file, arguments[1], (struct fp_slice){text, length}, &problem);
    if (!problem.count && (file.rules.count || file.allows.count)) {
        const struct fp_rules *first = file.rules.count ? &file.rules : &file.allows;
        problem = (struct fp_problem){.count = 1, .line = first->rules[0].line, .column = 1};
        snprintf(problem.message, sizeof problem.message, "the built-in table takes no rules");
    }
    if (problem.count) {
        fprintf(stderr, "%s:%u:%u: %s\n", arguments[1], problem.line, problem.column,
                problem.message);
        return 1;
    }
    printf("/* Made from known.policy. */\n#include \"policy/policy_text.h\"\n\n");
    printf("static const struct fp_statement statements[] = {\n");
    for (size_t i = 0; i < file.view.statement_count; i++)
        printf("    {%u, %u, %u},\n", file.statements[i].at, file.statements[i].length,
               file.statements[i].word);
    printf("};\n\nstatic const struct fp_known known[] = {\n");
    for (size_t i = 0; i < file.view.known_count; i++)
        printf("    {%u, %u, %u, %u, %u},\n", file.known[i].name_at, file.known[i].name_length,
               file.known[i].line, file.known[i].first, file.known[i].count);
    printf("};\n\nconst struct fp_policy_text fp_known_policy = {\n");
    printf("    .path = \"known.policy\",\n    .statements = statements,\n    .known = known,\n");
    printf("    .statement_count = %zu,\n    .known_count = %zu,\n", file.view.statement_count,
           file.view.known_count);
    print_text(length);
    printf("};\n");
    return 0;
}
