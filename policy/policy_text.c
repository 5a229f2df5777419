/* See policy_text.h. SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_text.h"

#include "policy/call.h"
#include "policy/clause.h"
#include "policy/glob.h"
#include "policy/version.h"

#include <string.h>

enum value_kind { GLOB, CLAUSE, CALL, VERSION, TEXT };

static const struct {
    const char *name;
    enum value_kind kind;
} WORDS[] = {
#define FP_WORD(NAME, name, kind, help) {name, kind},
#include "policy/words.def"
#undef FP_WORD
};

enum { WORD_COUNT = sizeof WORDS / sizeof *WORDS };

struct parser {
    struct fp_policy_file *file;
    struct fp_problem *problem;
    const char *text;
    unsigned line;
    const char *line_start;
    struct fp_known *open; /* the runtime that is being read */
    bool bad;              /* and something in it is wrong */
};

static bool is_blank_at(struct fp_slice text, size_t i)
{
    return i >= text.length || strchr(" \t\r", text.text[i]);
}

/* Without the comment behind a value: a '#' with a blank before it, but not in quotes; in a
   sentence
   ("see #12") one behind it, too. */
static struct fp_slice without_comment(struct fp_slice value, bool is_sentence)
{
    bool quoted = false;
    for (size_t i = 0; i < value.length; i++) {
        quoted ^= value.text[i] == '"';
        if (value.text[i] == '#' && !quoted && (i == 0 || is_blank_at(value, i - 1)) &&
            (!is_sentence || is_blank_at(value, i + 1)))
            value.length = i;
    }
    return fp_slice_trim(value);
}

static unsigned column_of(const struct parser *parser, const char *at)
{
    return (unsigned)(at - parser->line_start) + 1;
}

static void note(struct parser *parser, const char *at, const char *message)
{
    fp_problem_note(parser->problem, parser->line, column_of(parser, at), "%s", message);
    parser->bad = true;
}

static void note_word(struct parser *parser, struct fp_slice word)
{
    char shown[80];
    struct fp_text quoted = FP_TEXT(shown);
    fp_text_quote(&quoted, word, 32);
    fp_problem_note(
        parser->problem, parser->line, column_of(parser, word.text),
        "unknown word \"%s\" (known: policy, allow, execs, handlers, exits, helpers, wakes, "
        "runtime, dso, python, thread, built, spare, class, prepare, carried, kind, uses, advice, "
        "source)",
        shown);
    parser->bad = true;
}

static void add_statement(struct parser *parser, unsigned word, struct fp_slice value)
{
    struct fp_policy_file *file = parser->file;
    if (value.length > UINT16_MAX) {
        note(parser, value.text, "this line is too long");
    } else if (file->view.statement_count == FP_STATEMENTS_MAX) {
        note(parser, value.text, "too many lines in one policy file");
    } else {
        file->statements[file->view.statement_count++] =
            (struct fp_statement){.at = (uint32_t)(value.text - parser->text),
                                  .length = (uint16_t)value.length,
                                  .word = (uint8_t)word};
    }
}

/* A runtime counts once its last line is read: complete, or not at all. */
static void close_runtime(struct parser *parser)
{
    struct fp_known *known = parser->open;
    struct fp_policy_file *file = parser->file;
    if (!known)
        return;
    parser->open = NULL;
    known->count = (uint16_t)(file->view.statement_count - known->first);
    bool found = fp_known_value(&file->view, known, FP_WORD_DSO, 0).length ||
                 fp_known_value(&file->view, known, FP_WORD_PYTHON, 0).length ||
                 fp_known_value(&file->view, known, FP_WORD_THREAD, 0).length ||
                 fp_known_value(&file->view, known, FP_WORD_BUILT, 0).length;
    bool classed = fp_known_value(&file->view, known, FP_WORD_CLASS, 0).length;
    if (!parser->bad && (!found || !classed)) {
        fp_problem_note(parser->problem, known->line, 1,
                        found ? "this runtime has no \"class\" line"
                              : "this runtime has no \"dso\", \"python\", \"thread\" or \"built\" line");
        parser->bad = true;
    }
    if (parser->bad) {
        file->view.statement_count = known->first;
        file->view.known_count--;
    }
}

static void open_runtime(struct parser *parser, struct fp_slice name)
{
    struct fp_policy_file *file = parser->file;
    parser->bad = false;
    if (file->view.known_count == FP_KNOWN_MAX || parser->line > UINT16_MAX) {
        note(parser, name.text, "too many runtimes in one policy file");
        return;
    }
    parser->open = &file->known[file->view.known_count++];
    *parser->open = (struct fp_known){.name_at = (uint32_t)(name.text - parser->text),
                                      .name_length = (uint16_t)name.length,
                                      .line = (uint16_t)parser->line,
                                      .first = (uint16_t)file->view.statement_count};
    if (!name.length || name.length > 64)
        note(parser, name.text, "want the name of the runtime here, 64 bytes at most");
}

static void read_value(struct parser *parser, unsigned word, struct fp_slice value)
{
    size_t offset = 0;
    struct fp_call call;
    const char *wrong = NULL;
    if (!parser->open)
        wrong = "this line belongs behind a \"runtime NAME\" line";
    else if (!value.length)
        wrong = "want a value behind this word";
    else if (WORDS[word].kind == GLOB)
        wrong = fp_glob_check(value, &offset);
    else if (WORDS[word].kind == CLAUSE)
        wrong = fp_clause_check(value, &offset);
    else if (WORDS[word].kind == CALL)
        wrong = fp_call_parse(value, &call, &offset);
    else if (WORDS[word].kind == VERSION && !fp_version_valid(value))
        wrong = "want a version such as 0.19 here";
    if (wrong)
        note(parser, value.text + offset, wrong);
    else
        add_statement(parser, word, value);
}

/* "WORD GLOB [FUNCTION]" stands for itself, outside of runtimes. */
static void read_code(struct parser *parser, unsigned word, struct fp_slice value)
{
    struct fp_slice rest = value, glob = fp_slice_word(&rest);
    size_t offset = 0;
    const char *wrong = glob.length ? fp_glob_check(glob, &offset) : "want a glob behind this word";
    fp_slice_word(&rest);
    rest = fp_slice_trim(rest);
    if (!wrong && rest.length) {
        wrong = "want the end of the line here ('?' stands for a blank in a glob)";
        offset = (size_t)(rest.text - value.text);
    }
    close_runtime(parser);
    if (wrong)
        note(parser, value.text + offset, wrong);
    else
        add_statement(parser, word, value);
}

/* False where the word is another one. */
static bool read_rules(struct parser *parser, struct fp_slice word, struct fp_slice value)
{
    unsigned column = column_of(parser, value.text);
    bool allows = fp_slice_is(word, "allow");
    if (!allows && !fp_slice_is(word, "policy"))
        return false;
    close_runtime(parser);
    if (allows)
        fp_rules_allow(&parser->file->allows, value, parser->line, column, parser->problem);
    else
        fp_rules_parse(&parser->file->rules, value, parser->line, column, parser->problem);
    return true;
}

static void read_line(struct parser *parser, struct fp_slice line)
{
    struct fp_slice value = fp_slice_trim(line);
    if (!value.length || value.text[0] == '#')
        return;
    if (memchr(value.text, '\0', value.length)) {
        note(parser, memchr(value.text, '\0', value.length), "a NUL byte");
        return;
    }
    struct fp_slice word = fp_slice_word(&value);
    value = fp_slice_trim(value);
    struct fp_slice text = value; /* of sentences, which may hold a '#' */
    value = without_comment(value, fp_slice_is(word, "allow"));
    if (fp_slice_is(word, "runtime")) {
        close_runtime(parser);
        open_runtime(parser, value);
        return;
    }
    if (read_rules(parser, word, value))
        return;
    static const struct {
        const char *name;
        enum fp_word word;
    } CODE[] = {{"execs", FP_WORD_EXECS},
                {"handlers", FP_WORD_HANDLERS},
                {"exits", FP_WORD_EXITS},
                {"helpers", FP_WORD_HELPERS},
                {"wakes", FP_WORD_WAKES}};
    for (size_t i = 0; i < sizeof CODE / sizeof *CODE; i++) {
        if (fp_slice_is(word, CODE[i].name)) {
            read_code(parser, CODE[i].word, value);
            return;
        }
    }
    for (unsigned i = 0; i < WORD_COUNT; i++) {
        if (fp_slice_is(word, WORDS[i].name)) {
            read_value(parser, i, WORDS[i].kind == TEXT ? text : value);
            return;
        }
    }
    note_word(parser, word);
}

void fp_policy_file_parse(struct fp_policy_file *file, const char *path, struct fp_slice text,
                          struct fp_problem *problem)
{
    struct parser parser = {.file = file, .problem = problem, .text = text.text};
    file->rules.count = file->allows.count = 0;
    file->view = (struct fp_policy_text){.path = path,
                                         .text = text.text,
                                         .statements = file->statements,
                                         .known = file->known,
                                         .rules = &file->rules,
                                         .allows = &file->allows};
    while (text.length) {
        const char *newline = memchr(text.text, '\n', text.length);
        size_t length = newline ? (size_t)(newline - text.text) : text.length;
        parser.line++;
        parser.line_start = text.text;
        read_line(&parser, (struct fp_slice){text.text, length});
        length += newline != NULL;
        text.text += length;
        text.length -= length;
    }
    close_runtime(&parser);
}

struct fp_slice fp_statement_value(const struct fp_policy_text *text,
                                   const struct fp_statement *statement)
{
    return (struct fp_slice){text->text + statement->at, statement->length};
}

struct fp_slice fp_known_name(const struct fp_policy_text *text, const struct fp_known *known)
{
    return (struct fp_slice){text->text + known->name_at, known->name_length};
}

struct fp_slice fp_known_value(const struct fp_policy_text *text, const struct fp_known *known,
                               enum fp_word word, size_t nth)
{
    for (size_t i = 0; i < known->count; i++) {
        const struct fp_statement *statement = &text->statements[known->first + i];
        if (statement->word == word && nth-- == 0)
            return fp_statement_value(text, statement);
    }
    return (struct fp_slice){"", 0};
}

void fp_policy_place(const struct fp_policy_text *text, struct fp_slice value, unsigned *line,
                     unsigned *column)
{
    *line = *column = 1;
    for (const char *at = text->text; at < value.text; at++) {
        (*column)++;
        if (*at == '\n') {
            (*line)++;
            *column = 1;
        }
    }
}
