/*
 * Any bytes as FORKPOLICY_OPTIONS: every option stays in its bounds, what is complained of has a
 * place, and the entries read one by one come to the same as all of them at once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy/options.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_options(const struct fp_options *options)
{
    MUST(options->on_proven <= FP_ON_PROVEN_REPORT);
    MUST(options->hang_milliseconds >= 50 && options->hang_milliseconds <= 86400 * 1000);
}

static void parse_one_by_one(struct fp_options *options, struct fp_slice text,
                             struct fp_problem *problem)
{
    for (;;) {
        const char *comma = text.length ? memchr(text.text, ',', text.length) : NULL;
        size_t length = comma ? (size_t)(comma - text.text) : text.length;
        fp_options_parse(options, (struct fp_slice){text.text, length}, problem);
        if (!comma)
            return;
        text.text += length + 1;
        text.length -= length + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_problem problem = {.count = 0}, parts = {.count = 0};
    struct fp_options options, same;
    struct fp_slice text = {(const char *)data, size};
    fp_options_default(&options);
    fp_options_default(&same);
    fp_options_parse(&options, text, &problem);
    check_options(&options);
    if (problem.count) {
        MUST(problem.line == 1 && problem.column >= 1 && problem.column <= size + 1);
        MUST(memchr(problem.message, '\0', sizeof problem.message) && problem.message[0]);
    }
    parse_one_by_one(&same, text, &parts);
    MUST(parts.count == problem.count && strcmp(parts.message, problem.message) == 0);
    MUST(same.on_proven == options.on_proven && same.inline_futex == options.inline_futex &&
         same.hang_milliseconds == options.hang_milliseconds);
    return 0;
}
