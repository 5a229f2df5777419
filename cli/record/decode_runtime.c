/* Sites and runtimes of records. See decode.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/record/decode.h"

#include "cli/record/log.h"
#include "policy/phrases.h"
#include "policy/policy_text.h"

#include <limits.h>
#include <string.h>

enum fp_class fp_decode_class(const json_t *runtime)
{
    enum fp_class class = FP_CLASS_UNKNOWN;
    fp_class_parse(fp_slice_of(fp_log_string(runtime, "class")), &class);
    return class;
}

enum fp_action fp_decode_action(const json_t *runtime, const char *key)
{
    enum fp_action action = FP_ACTION_OFF;
    fp_action_parse(fp_slice_of(fp_log_string(runtime, key)), &action);
    return action;
}

static const char *line_of(struct fp_cli_arena *arena, const json_t *site, const char *key)
{
    return fp_cli_arena_copy(arena, fp_log_place(json_object_get(site, key)));
}

void fp_decode_site(struct fp_cli_arena *arena, const json_t *site, struct fp_site *result)
{
    const char *user = line_of(arena, site, "user"), *library = line_of(arena, site, "library");
    *result = (struct fp_site){.user = user,
                               .library = library,
                               .called = line_of(arena, site, "called"),
                               .innermost = line_of(arena, site, "innermost"),
                               .function = fp_log_string(site, "function"),
                               .dso = fp_log_string(site, "dso"),
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

static size_t text_size(const json_t *json, const char *name)
{
    const json_t *advice = json_object_get(json, "advice");
    size_t size = strlen(name) + strlen(fp_log_string(json, "kind")) +
                  strlen(fp_log_string(json, "source")) + 1;
    for (size_t i = 0; i < json_array_size(advice); i++) {
        const char *value = json_string_value(json_array_get(advice, i));
        size += value ? strlen(value) : 0;
    }
    return size;
}

static void identify(struct fp_cli_arena *arena, const json_t *json, struct fp_identity *identity)
{
    const char *name = fp_log_string(json, "name"), *kind = fp_log_string(json, "kind");
    const json_t *advice = json_object_get(json, "advice");
    if (!*name || strlen(name) > UINT16_MAX)
        return;
    if (!json_is_array(advice)) { /* a silent fork's, or a short one: the table has the rest */
        identity->known = built_in(name);
        identity->source = identity->known ? &fp_known_policy : NULL;
        if (identity->known)
            return;
    }
    struct told_entry *entry = fp_cli_arena_take(arena, sizeof *entry);
    entry->text = fp_cli_arena_take(arena, text_size(json, name));
    entry->view = (struct fp_policy_text){.path = "",
                                          .text = entry->text,
                                          .statements = entry->statements,
                                          .known = &entry->known,
                                          .known_count = 1};
    entry->length = strlen(name);
    memcpy(entry->text, name, entry->length);
    entry->known.name_length = (uint16_t)entry->length;
    add_statement(entry, FP_WORD_KIND, kind);
    for (size_t i = 0; i < json_array_size(advice); i++) {
        const char *value = json_string_value(json_array_get(advice, i));
        bool is_remedy = i == 0 && json_is_true(json_object_get(json, "remedy"));
        add_statement(entry, is_remedy ? FP_WORD_REMEDY : FP_WORD_ADVICE, value ? value : "");
    }
    add_statement(entry, FP_WORD_SOURCE, fp_log_string(json, "source"));
    identity->source = &entry->view;
    identity->known = &entry->known;
}

static unsigned handlers_of(const json_t *json)
{
    static const char *const NAMES[] = {"prepare", "parent", "child"};
    const json_t *array = json_object_get(json, "handlers");
    unsigned handlers = 0;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        for (unsigned bit = 0; name && bit < 3; bit++)
            handlers |= strcmp(name, NAMES[bit]) == 0 ? 1U << bit : 0;
    }
    return handlers;
}

/* Threads whose library is Python itself run the code of the file that started them. */
static const char *python_file(struct fp_cli_arena *arena, const json_t *json)
{
    const char *base = fp_basename(fp_log_string(json, "dso"));
    const json_t *member = json_object_get(json, "file");
    if (member)
        return fp_log_string(json, "file");
    base += strncmp(base, "lib", 3) == 0 ? 3 : 0;
    if (strncmp(base, "python", 6) != 0 || (base[6] && !strchr("0123456789.", base[6])))
        return "";
    char *file = fp_cli_arena_copy(arena, fp_log_string(json, "started"));
    char *colon = strrchr(file, ':');
    if (colon)
        *colon = '\0';
    return file;
}

void fp_decode_runtime(struct fp_cli_arena *arena, const json_t *json, struct fp_runtime *runtime,
                       struct fp_judgement *judgement)
{
    bool told = json_is_array(json_object_get(json, "advice"));
    *runtime = (struct fp_runtime){.facts = {.dso = fp_log_string(json, "dso"),
                                             .file = python_file(arena, json),
                                             .thread = fp_log_string(json, "thread"),
                                             .package = fp_log_string(json, "package"),
                                             .version = fp_log_string(json, "version")},
                                   .threads = (unsigned)fp_log_integer(json, "threads", INT_MAX),
                                   .handlers = handlers_of(json),
                                   .started = fp_log_string(json, "started"),
                                   .names = fp_log_string(json, "names")};
    if (!*runtime->facts.thread && !*runtime->facts.dso && !*runtime->facts.file)
        runtime->facts.thread = runtime->names; /* a thread that no wrapper saw */
    *judgement = (struct fp_judgement){.class = fp_decode_class(json),
                                       .action = fp_decode_action(json, "action")};
    judgement->speech = !told                                   ? FP_SPEECH_SILENT
                        : judgement->action == FP_ACTION_REFUSE ? FP_SPEECH_REFUSE
                                                                : FP_SPEECH_TELL;
    identify(arena, json, &runtime->identity);
    runtime->identity.asked =
        *fp_log_string(json, "asked") ? fp_decode_action(json, "asked") : judgement->action;
}

void fp_decode_runtime_name(struct fp_text *text, const json_t *json)
{
    struct fp_cli_arena arena = {0};
    struct fp_runtime runtime;
    struct fp_judgement judgement;
    fp_decode_runtime(&arena, json, &runtime, &judgement);
    fp_add_runtime_name(text, &runtime);
    fp_cli_arena_free(&arena);
}
