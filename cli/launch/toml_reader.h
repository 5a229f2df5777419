/*
 * A TOML file as far as it takes to step over it: strings, brackets, comments and keys. See toml.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_LAUNCH_TOML_READER_H
#define FP_CLI_LAUNCH_TOML_READER_H

#include "policy/problem.h"

enum { FP_TOML_PARTS_MAX = 8 };

struct fp_toml_reader {
    const char *at, *end, *line_start;
    unsigned line;
    struct fp_problem *problem;
    bool is_bad;
};

/* A dotted key, or the name of a table. */
struct fp_toml_key {
    struct fp_slice parts[FP_TOML_PARTS_MAX];
    size_t count;
    unsigned line, column;
};

unsigned fp_toml_column(const struct fp_toml_reader *reader);

/* Notes what is wrong; nothing more is to be read then. */
void fp_toml_complain(struct fp_toml_reader *reader, unsigned line, unsigned at, const char *wrong);

/* The next byte, 0 at the end; whether these bytes come next. */
char fp_toml_next(const struct fp_toml_reader *reader);
bool fp_toml_starts(const struct fp_toml_reader *reader, const char *with);

/* A byte of a word. */
bool fp_toml_is_bare(char c);

void fp_toml_skip_blanks(struct fp_toml_reader *reader);

/* Blanks, ends of lines and comments. */
void fp_toml_skip_empty(struct fp_toml_reader *reader);

/* Over a value, to the end of its line. */
void fp_toml_skip_value(struct fp_toml_reader *reader);

void fp_toml_read_key(struct fp_toml_reader *reader, struct fp_toml_key *key);

#endif
