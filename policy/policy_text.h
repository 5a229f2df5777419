/*
 * The grammar of policy files, the built-in known.policy and FORKPOLICY_FILE alike. One statement
 * a line; '#' begins a comment line:
 *
 *     policy ACTION[:PATTERN][@PLACE],...    rules, as in FORKPOLICY (rules.h)
 *     allow [PATTERN][@PLACE] because REASON  such a fork is as under off, whatever FORKPOLICY says
 *     execs GLOB [FUNCTION]           Python code that forks to exec: never mentioned
 *     handlers GLOB [FUNCTION]        signal handlers, of a library or Python file: wake no thread
 *     exits GLOB [FUNCTION]           the same: end the process or the wait, and wake no thread
 *     helpers GLOB                    Python file whose threads wake no thread of the program
 *     wakes GLOB [FUNCTION]           Python code that wakes a thread of its package for a task
 *     runtime NAME                    begins a runtime; the lines up to the next one describe it:
 *         dso GLOB | python GLOB | thread GLOB | built Go
 *         spare GLOB
 *         class CLASS [when CONDITION {and CONDITION}]
 *         prepare NAME(TYPE VALUE, ...)
 *         carried VERSION
 *         kind TEXT | remedy TEXT | advice TEXT | source TEXT
 *
 * A bad statement is left out and reported, a bad line of a runtime takes the whole runtime with
 * it; the other lines count. Later runtimes beat earlier ones.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_POLICY_TEXT_H
#define FP_POLICY_POLICY_TEXT_H

#include "policy/model.h"
#include "policy/rules.h"

enum fp_word {
#define FP_WORD(NAME, name, kind, help) FP_WORD_##NAME,
#include "policy/words.def"
#undef FP_WORD
    FP_WORD_EXECS,
    FP_WORD_HANDLERS,
    FP_WORD_EXITS,
    FP_WORD_HELPERS,
    FP_WORD_WAKES,
};

/* Offsets, not pointers: the built-in table is constant data that needs no relocation. */
struct fp_statement {
    uint32_t at;
    uint16_t length;
    uint8_t word;
};

struct fp_known {
    uint32_t name_at;
    uint16_t name_length;
    uint16_t line;
    uint16_t first, count; /* its statements */
};

struct fp_policy_text {
    const char *path; /* for messages */
    const char *text;
    const struct fp_statement *statements;
    const struct fp_known *known;
    const struct fp_rules *rules, *allows; /* may be NULL */
    size_t statement_count, known_count;
};

enum { FP_STATEMENTS_MAX = 1024, FP_KNOWN_MAX = 192, FP_POLICY_FILE_MAX = 1024 * 1024 };

/* Room for what a file says; the view points into it and into the text. */
struct fp_policy_file {
    struct fp_policy_text view;
    struct fp_rules rules, allows;
    struct fp_statement statements[FP_STATEMENTS_MAX];
    struct fp_known known[FP_KNOWN_MAX];
};

/* The table that ships with forkpolicy, compiled from known.policy. */
extern const struct fp_policy_text fp_known_policy;

void fp_policy_file_parse(struct fp_policy_file *file, const char *path, struct fp_slice text,
                          struct fp_problem *problem);

struct fp_slice fp_statement_value(const struct fp_policy_text *text,
                                   const struct fp_statement *statement);
/* Where a value stands in the file: 1-based. */
void fp_policy_place(const struct fp_policy_text *text, struct fp_slice value, unsigned *line,
                     unsigned *column);

struct fp_slice fp_known_name(const struct fp_policy_text *text, const struct fp_known *known);

/* The nth value of `word` in a runtime's lines; length 0 when there is none. */
struct fp_slice fp_known_value(const struct fp_policy_text *text, const struct fp_known *known,
                               enum fp_word word, size_t nth);

#endif
