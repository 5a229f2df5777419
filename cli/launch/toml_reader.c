/* See toml_reader.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/launch/toml_reader.h"

#include <string.h>

unsigned fp_toml_column(const struct fp_toml_reader *reader)
{
    return (unsigned)(reader->at - reader->line_start) + 1;
}

void fp_toml_complain(struct fp_toml_reader *reader, unsigned line, unsigned at, const char *wrong)
{
    fp_problem_note(reader->problem, line, at, "%s", wrong);
    reader->is_bad = true;
}

char fp_toml_next(const struct fp_toml_reader *reader)
{
    return reader->at < reader->end ? *reader->at : '\0';
}

bool fp_toml_starts(const struct fp_toml_reader *reader, const char *with)
{
    size_t length = strlen(with);
    return (size_t)(reader->end - reader->at) >= length && memcmp(reader->at, with, length) == 0;
}

static void step(struct fp_toml_reader *reader)
{
    if (*reader->at++ == '\n') {
        reader->line++;
        reader->line_start = reader->at;
    }
}

void fp_toml_skip_blanks(struct fp_toml_reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r", *reader->at))
        reader->at++;
}

/* Blanks, ends of lines and comments. */
void fp_toml_skip_empty(struct fp_toml_reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n#", *reader->at)) {
        if (*reader->at == '#')
            while (reader->at < reader->end && *reader->at != '\n')
                reader->at++;
        else
            step(reader);
    }
}

/* Over a string of any of the four kinds. */
static void skip_string(struct fp_toml_reader *reader)
{
    unsigned line = reader->line, at = fp_toml_column(reader);
    char quote = *reader->at;
    const char three[] = {quote, quote, quote, '\0'};
    size_t length = fp_toml_starts(reader, three) ? 3 : 1;
    reader->at += length;
    while (reader->at < reader->end) {
        if (length == 1 && *reader->at == '\n')
            break;
        if (*reader->at == '\\' && quote == '"' && reader->at + 1 < reader->end) {
            reader->at++;
            step(reader);
        } else if (length == 3 ? fp_toml_starts(reader, three) : *reader->at == quote) {
            reader->at += length;
            while (length == 3 && fp_toml_next(reader) == quote)
                reader->at++; /* """a"""" ends in a quote of its own */
            return;
        } else {
            step(reader);
        }
    }
    fp_toml_complain(reader, line, at, "a string without an end");
}

/* Over a value, to the end of its line. */
void fp_toml_skip_value(struct fp_toml_reader *reader)
{
    size_t depth = 0;
    while (reader->at < reader->end && !reader->is_bad) {
        char c = *reader->at;
        if (c == '"' || c == '\'') {
            skip_string(reader);
        } else if (c == '#') {
            while (reader->at < reader->end && *reader->at != '\n')
                reader->at++;
        } else if (c == '\n' && !depth) {
            return;
        } else {
            depth += c == '[' || c == '{';
            depth -= depth && (c == ']' || c == '}');
            step(reader);
        }
    }
}

bool fp_toml_is_bare(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* One part of a key: bare, or a quoted one without its quotes. */
static struct fp_slice read_part(struct fp_toml_reader *reader)
{
    fp_toml_skip_blanks(reader);
    const char *from = reader->at;
    if (fp_toml_next(reader) == '"' || fp_toml_next(reader) == '\'') {
        skip_string(reader);
        return (struct fp_slice){from + 1, (size_t)(reader->at - from) - (reader->is_bad ? 1 : 2)};
    }
    while (reader->at < reader->end && fp_toml_is_bare(*reader->at))
        reader->at++;
    return (struct fp_slice){from, (size_t)(reader->at - from)};
}

void fp_toml_read_key(struct fp_toml_reader *reader, struct fp_toml_key *key)
{
    fp_toml_skip_blanks(reader);
    *key = (struct fp_toml_key){.line = reader->line, .column = fp_toml_column(reader)};
    for (;;) {
        struct fp_slice part = read_part(reader);
        if (key->count < FP_TOML_PARTS_MAX)
            key->parts[key->count++] = part;
        if (!part.length && !reader->is_bad)
            fp_toml_complain(reader, reader->line, fp_toml_column(reader), "want a key here");
        fp_toml_skip_blanks(reader);
        if (fp_toml_next(reader) != '.' || reader->is_bad)
            return;
        reader->at++;
    }
}
