/* See toml.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/launch/toml.h"

#include "cli/launch/toml_reader.h"

#include <string.h>

enum { VALUE_MAX = 32 * 1024 };

/* Whether a path that begins with the parts of two keys is that of tool.NAME, or below it. */
static size_t match(const struct fp_toml_key *table, const struct fp_toml_key *key,
                    const char *name)
{
    const char *const WANTED[] = {"tool", name};
    size_t count = table->count + key->count;
    for (size_t i = 0; i < 2; i++) {
        if (i >= count)
            return 0;
        const struct fp_slice *part =
            i < table->count ? &table->parts[i] : &key->parts[i - table->count];
        if (!fp_slice_is(*part, WANTED[i]))
            return 0;
    }
    return count;
}

/* A value of the table: what has been read of it. */
struct value {
    enum fp_toml_kind kind;
    char bytes[VALUE_MAX];
    struct fp_text text;
};

static void add_escaped(struct fp_toml_reader *reader, struct fp_text *text)
{
    static const char FROM[] = "\"\\tnr", TO[] = "\"\\\t\n\r";
    const char *found = fp_toml_next(reader) ? strchr(FROM, *reader->at) : NULL;
    if (found)
        fp_text_append(text, &TO[found - FROM], 1);
    else
        fp_toml_complain(reader, reader->line, fp_toml_column(reader) - 1,
                         "this escape is not understood here");
}

static void read_string(struct fp_toml_reader *reader, struct fp_text *text)
{
    unsigned line = reader->line, at = fp_toml_column(reader);
    char quote = *reader->at;
    const char three[] = {quote, quote, quote, '\0'};
    if (fp_toml_starts(reader, three)) {
        fp_toml_complain(reader, line, at, "want a string in one line here");
        return;
    }
    for (reader->at++; fp_toml_next(reader) && *reader->at != '\n' && !reader->is_bad;
         reader->at++) {
        if (*reader->at == quote) {
            reader->at++;
            return;
        }
        if (*reader->at == '\\' && quote == '"') {
            reader->at++;
            add_escaped(reader, text);
        } else {
            fp_text_append(text, reader->at, 1);
        }
    }
    if (!reader->is_bad)
        fp_toml_complain(reader, line, at, "a string without an end");
}

static void read_array(struct fp_toml_reader *reader, struct fp_text *text)
{
    const char *comma = "";
    reader->at++;
    for (fp_toml_skip_empty(reader); fp_toml_next(reader) != ']' && !reader->is_bad;
         fp_toml_skip_empty(reader)) {
        if (fp_toml_next(reader) != '"' && fp_toml_next(reader) != '\'') {
            fp_toml_complain(reader, reader->line, fp_toml_column(reader),
                             "want a string or ']' here");
            return;
        }
        fp_text_format(text, "%s", comma);
        comma = ",";
        read_string(reader, text);
        fp_toml_skip_empty(reader);
        if (fp_toml_next(reader) == ',')
            reader->at++;
        else if (fp_toml_next(reader) != ']' && !reader->is_bad)
            fp_toml_complain(reader, reader->line, fp_toml_column(reader), "want ',' or ']' here");
    }
    reader->at += !reader->is_bad;
}

static void read_word(struct fp_toml_reader *reader, struct value *value)
{
    const char *from = reader->at;
    while (reader->at < reader->end && (fp_toml_is_bare(*reader->at) || *reader->at == '.'))
        reader->at++;
    struct fp_slice word = {from, (size_t)(reader->at - from)};
    bool is_flag = fp_slice_is(word, "true") || fp_slice_is(word, "false");
    bool is_number = word.length > 0;
    for (size_t i = 0; i < word.length; i++)
        is_number &= (word.text[i] >= '0' && word.text[i] <= '9') || (i && word.text[i] == '.');
    value->kind = is_flag ? FP_TOML_FLAG : FP_TOML_NUMBER;
    fp_text_append(&value->text, word.text, word.length);
    if (!is_flag && !is_number) {
        reader->at = from;
        fp_toml_complain(reader, reader->line, fp_toml_column(reader),
                         "want a string, an array of strings, a number, true or false here");
    }
}

static void read_value(struct fp_toml_reader *reader, struct value *value)
{
    value->text = (struct fp_text){.data = value->bytes, .size = sizeof value->bytes};
    fp_text_reset(&value->text);
    value->kind = fp_toml_next(reader) == '[' ? FP_TOML_ARRAY : FP_TOML_STRING;
    if (fp_toml_next(reader) == '[')
        read_array(reader, &value->text);
    else if (fp_toml_next(reader) == '"' || fp_toml_next(reader) == '\'')
        read_string(reader, &value->text);
    else
        read_word(reader, value);
    if (value->text.cut && !reader->is_bad)
        fp_toml_complain(reader, reader->line, fp_toml_column(reader), "this value is too long");
    fp_toml_skip_blanks(reader);
    if (!reader->is_bad && reader->at < reader->end && *reader->at != '\n' && *reader->at != '#')
        fp_toml_complain(reader, reader->line, fp_toml_column(reader),
                         "want the end of the line here");
}

/* A line "[NAME]" or "[[NAME]]"; whether it is the one of an array. */
static bool read_header(struct fp_toml_reader *reader, struct fp_toml_key *table)
{
    bool is_array = fp_toml_starts(reader, "[[");
    reader->at += is_array ? 2 : 1;
    fp_toml_read_key(reader, table);
    if (!reader->is_bad && !fp_toml_starts(reader, is_array ? "]]" : "]"))
        fp_toml_complain(reader, reader->line, fp_toml_column(reader), "want ']' here");
    reader->at += reader->is_bad ? 0 : is_array ? 2 : 1;
    return is_array;
}

/* The table that the reader is in. */
struct table {
    const char *name;
    struct fp_toml_key key;
    bool is_own, found;
};

static void enter_table(struct fp_toml_reader *reader, struct table *table)
{
    static const struct fp_toml_key NONE = {.count = 0};
    bool is_array = read_header(reader, &table->key);
    size_t depth = match(&table->key, &NONE, table->name);
    table->is_own = depth == 2;
    if (depth && (is_array || depth > 2))
        fp_toml_complain(reader, table->key.line, table->key.column,
                         "want one table of plain keys here");
    else if (depth && table->found)
        fp_toml_complain(reader, table->key.line, table->key.column,
                         "the second table of this name");
    table->found |= table->is_own;
}

/* "KEY = VALUE"; true where the value is one of the table's own. */
static bool read_entry(struct fp_toml_reader *reader, const struct table *table,
                       struct fp_toml_key *key, struct value *value)
{
    fp_toml_read_key(reader, key);
    if (!reader->is_bad && fp_toml_next(reader) != '=')
        fp_toml_complain(reader, reader->line, fp_toml_column(reader), "want '=' here");
    if (!reader->is_bad && match(&table->key, key, table->name) &&
        !(table->is_own && key->count == 1))
        fp_toml_complain(reader, key->line, key->column,
                         "want a table of its own, and plain keys in it");
    if (reader->is_bad)
        return false;
    reader->at++;
    fp_toml_skip_blanks(reader);
    if (table->is_own)
        read_value(reader, value);
    else
        fp_toml_skip_value(reader);
    return table->is_own && !reader->is_bad;
}

bool fp_toml_read(struct fp_slice text, const char *name, fp_toml_visit *visit, void *context,
                  struct fp_problem *problem)
{
    static struct value value;
    struct fp_toml_reader reader = {.at = text.text,
                                    .end = text.text + text.length,
                                    .line_start = text.text,
                                    .line = 1,
                                    .problem = problem};
    struct table table = {.name = name};
    struct fp_toml_key key;
    for (fp_toml_skip_empty(&reader); reader.at < reader.end && !reader.is_bad;
         fp_toml_skip_empty(&reader)) {
        if (*reader.at == '[')
            enter_table(&reader, &table);
        else if (read_entry(&reader, &table, &key, &value))
            visit(key.parts[0], value.kind, (struct fp_slice){value.bytes, value.text.length},
                  key.line, key.column, context);
    }
    return table.found && !problem->count;
}
