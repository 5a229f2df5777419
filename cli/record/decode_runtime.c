/* Sites and runtimes of records. See decode.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/record/decode.h"

#include "policy/phrases.h"
#include "policy/policy_text.h"

#include <string.h>

static const char *line_of(struct fp_cli_arena *arena, const struct fp_log_line *line)
{
    char place[4096];
    struct fp_text text = FP_TEXT(place);
    fp_text_reset(&text);
    fp_log_add_place(&text, line);
    return fp_cli_arena_copy(arena, text.data);
}

void fp_decode_site(struct fp_cli_arena *arena, const struct fp_log_site *told,
                    struct fp_site *site)
{
    *site = (struct fp_site){.user = line_of(arena, &told->user),
                             .library = line_of(arena, &told->library),
                             .called = line_of(arena, &told->called),
                             .innermost = line_of(arena, &told->innermost),
                             .function = told->function,
                             .dso = told->dso,
                             .allowed = ""};
}

/* The table's entry of a name, for what a short record leaves out. */
static const struct fp_known *built_in(const char *name)
{
    for (size_t i = 0; i < fp_known_policy.known_count; i++)
        if (fp_slice_is(fp_known_name(&fp_known_policy, &fp_known_policy.known[i]), name))
            return &fp_known_policy.known[i];
    return NULL;
}

/* A policy text of one runtime, as it would stand in a file. */
struct told_entry {
    struct fp_policy_text view;
    struct fp_known known;
    struct fp_statement statements[64];
    size_t length;
    char *text;
};

enum { STATEMENTS_MAX = 64 };

static void add_statement(struct told_entry *entry, enum fp_word word, const char *value)
{
    size_t length = strlen(value), nth = entry->known.count;
    if (!length || length > UINT16_MAX || nth == STATEMENTS_MAX)
        return;
    entry->statements[nth] = (struct fp_statement){
        .at = (uint32_t)entry->length, .length = (uint16_t)length, .word = (uint8_t)word};
    entry->known.count++;
    memcpy(entry->text + entry->length, value, length);
    entry->length += length;
}

static size_t text_size(const struct fp_log_runtime *told)
{
    size_t size = strlen(told->name) + strlen(told->kind) + strlen(told->source) + 1;
    for (size_t i = 0; i < told->advice.count; i++)
        size += strlen(told->advice.list[i]);
    return size;
}

static void identify(struct fp_cli_arena *arena, const struct fp_log_runtime *told,
                     struct fp_identity *identity)
{
    size_t length = strlen(told->name);
    if (!length || length > UINT16_MAX)
        return;
    if (!told->advice.there) { /* a silent fork's, or a short one: the table has the rest */
        identity->known = built_in(told->name);
        identity->source = identity->known ? &fp_known_policy : NULL;
        if (identity->known)
            return;
    }
    struct told_entry *entry = fp_cli_arena_take(arena, sizeof *entry);
    entry->text = fp_cli_arena_take(arena, text_size(told));
    entry->view = (struct fp_policy_text){.path = "",
                                          .text = entry->text,
                                          .statements = entry->statements,
                                          .known = &entry->known,
                                          .known_count = 1};
    entry->length = length;
    memcpy(entry->text, told->name, length);
    entry->known.name_length = (uint16_t)length;
    add_statement(entry, FP_WORD_KIND, told->kind);
    for (size_t i = 0; i < told->advice.count; i++)
        add_statement(entry, i == 0 && told->remedy ? FP_WORD_REMEDY : FP_WORD_ADVICE,
                      told->advice.list[i]);
    add_statement(entry, FP_WORD_SOURCE, told->source);
    identity->source = &entry->view;
    identity->known = &entry->known;
}

static unsigned handlers_of(const fp_log_TEXTS *names)
{
    static const char *const NAMES[] = {"prepare", "parent", "child"};
    unsigned handlers = 0;
    for (size_t i = 0; i < names->count; i++)
        for (unsigned bit = 0; bit < 3; bit++)
            handlers |= strcmp(names->list[i], NAMES[bit]) == 0 ? 1U << bit : 0;
    return handlers;
}

/* Threads whose library is Python itself run the code of the file that started them. */
static const char *python_file(struct fp_cli_arena *arena, const struct fp_log_runtime *told)
{
    const char *base = fp_basename(told->dso);
    if (told->has_file)
        return told->file;
    base += strncmp(base, "lib", 3) == 0 ? 3 : 0;
    if (strncmp(base, "python", 6) != 0 || (base[6] && !strchr("0123456789.", base[6])))
        return "";
    char *file = fp_cli_arena_copy(arena, told->started);
    char *colon = strrchr(file, ':');
    if (colon)
        *colon = '\0';
    return file;
}

void fp_decode_runtime(struct fp_cli_arena *arena, const struct fp_log_runtime *told,
                       struct fp_runtime *runtime, struct fp_judgement *judgement)
{
    *runtime = (struct fp_runtime){.facts = {.dso = told->dso,
                                             .file = python_file(arena, told),
                                             .thread = told->thread,
                                             .package = told->package,
                                             .version = told->version},
                                   .threads = (unsigned)told->threads,
                                   .handlers = handlers_of(&told->handlers),
                                   .started = told->started,
                                   .names = told->names};
    if (!*runtime->facts.thread && !*runtime->facts.dso && !*runtime->facts.file)
        runtime->facts.thread = runtime->names; /* a thread that no wrapper saw */
    judgement->class = told->class;
    judgement->action = told->action;
    judgement->speech = !told->advice.there                ? FP_SPEECH_SILENT
                        : told->action == FP_ACTION_REFUSE ? FP_SPEECH_REFUSE
                                                           : FP_SPEECH_TELL;
    identify(arena, told, &runtime->identity);
    runtime->identity.asked = told->asked < FP_ACTION_COUNT ? told->asked : told->action;
}

void fp_decode_runtime_name(struct fp_text *text, const struct fp_log_runtime *told)
{
    struct fp_cli_arena arena = {0};
    struct fp_runtime runtime;
    struct fp_judgement judgement;
    fp_decode_runtime(&arena, told, &runtime, &judgement);
    fp_add_runtime_name(text, &runtime);
    fp_cli_arena_free(&arena);
}
