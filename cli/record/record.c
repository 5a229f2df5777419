/* See record.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/record/record.h"

#include "cli/record/member.h"

#include <stddef.h>
#include <string.h>

/* A member of an object: where its value goes, and who puts it there. */
struct member {
    const char *key;
    size_t at;
    fp_log_take *take;
};

/* The table ends with a member without a key. `object` is a struct that begins with `there`. */
static void take_object(struct fp_cli_arena *arena, const json_t *json,
                        const struct member *members, void *object)
{
    *(bool *)object = json_is_object(json);
    for (const struct member *member = members; member->key; member++)
        member->take(arena, json_object_get(json, member->key), (char *)object + member->at);
}

static void *take_elements(struct fp_cli_arena *arena, const json_t *json,
                           const struct member *members, size_t size)
{
    size_t count = json_array_size(json);
    char *elements = fp_cli_arena_take(arena, (count + 1) * size);
    for (size_t i = 0; i <= count; i++)
        take_object(arena, json_array_get(json, i), members, elements + i * size);
    return elements;
}

#define OBJECT(TYPE, MEMBERS)                                                                \
    static void fp_log_take_##TYPE(struct fp_cli_arena *arena, const json_t *json, void *at) \
    {                                                                                        \
        take_object(arena, json, MEMBERS, at);                                               \
    }

#define OBJECTS(TYPE, MEMBERS, type)                                                         \
    static void fp_log_take_##TYPE(struct fp_cli_arena *arena, const json_t *json, void *at) \
    {                                                                                        \
        type *elements = take_elements(arena, json, MEMBERS, sizeof *elements);              \
        *(fp_log_##TYPE *)at =                                                               \
            (fp_log_##TYPE){json_is_array(json), json_array_size(json), elements};           \
    }

#define MEMBER(TYPE, field, key) {key, offsetof(struct OWNER, field), fp_log_take_##TYPE},

#define OWNER fp_log_line
static const struct member LINE[] = {
#define FP_LINE_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
OBJECT(LINE, LINE)
#undef OWNER

#define OWNER fp_log_site
static const struct member SITE[] = {
#define FP_SITE_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
OBJECT(SITE, SITE)
#undef OWNER

#define OWNER fp_log_fork
static const struct member FORK[] = {
#define FP_FORK_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
#undef OWNER

#define OWNER fp_log_waiting
static const struct member WAITING[] = {
#define FP_WAIT_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
OBJECT(WAITING, WAITING)
#undef OWNER

#define OWNER fp_log_frame
static const struct member FRAME[] = {
#define FP_FRAME_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
OBJECTS(FRAMES, FRAME, struct fp_log_frame)
#undef OWNER

#define OWNER fp_log_holder
static const struct member HOLDER[] = {
#define FP_HOLDER_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
OBJECTS(HOLDERS, HOLDER, struct fp_log_holder)
#undef OWNER

#define OWNER fp_log_runtime
static const struct member RUNTIME[] = {
#define FP_RUNTIME_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
OBJECTS(RUNTIMES, RUNTIME, struct fp_log_runtime)
#undef OWNER

#define OWNER fp_log_record
static const struct member RECORD[] = {
#define FP_RECORD_MEMBER MEMBER
#include "cli/record/record.def"
    {0}};
#undef OWNER

/* A record of a fork is the fork itself. */
static const json_t *fork_of(enum fp_log_event kind, const json_t *json)
{
    return kind == FP_LOG_FORK || kind == FP_LOG_REFUSED ? json : json_object_get(json, "fork");
}

/* So is one of what was done to a runtime. */
static const json_t *runtime_of(enum fp_log_event kind, const json_t *json)
{
    if (kind == FP_LOG_RESET || kind == FP_LOG_CARRY || kind == FP_LOG_HANDLER)
        return json;
    return json_object_get(json, kind == FP_LOG_USE ? "runtime" : "lost");
}

void fp_log_decode(struct fp_cli_arena *arena, json_t *json, struct fp_log_record *record)
{
    record->json = json;
    take_object(arena, json, RECORD, record);
    take_object(arena, fork_of(record->kind, json), FORK, &record->fork);
    take_object(arena, runtime_of(record->kind, json), RUNTIME, &record->runtime);
}

enum fp_log_event fp_log_event_of(const json_t *json)
{
    enum fp_log_event event;
    fp_log_take_EVENT(NULL, json_object_get(json, "event"), &event);
    return event;
}

void fp_log_keep(struct fp_log_kept *kept, const struct fp_log_record *record)
{
    fp_log_drop(kept);
    kept->record = *record;
    fp_log_decode(&kept->arena, json_incref(record->json), &kept->record);
}

void fp_log_drop(struct fp_log_kept *kept)
{
    json_decref(kept->record.json);
    fp_cli_arena_free(&kept->arena);
    *kept = (struct fp_log_kept){0};
}

bool fp_log_loses(const struct fp_log_record *record)
{
    for (size_t i = 0; i < record->runtimes.count; i++)
        if (record->runtimes.list[i].class == FP_CLASS_LOST)
            return true;
    return false;
}

const struct fp_log_line *fp_log_site_line(const struct fp_log_site *site)
{
    const struct fp_log_line *const lines[] = {&site->user, &site->library, &site->innermost};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i]->there)
            return lines[i];
    return NULL;
}

void fp_log_add_place(struct fp_text *text, const struct fp_log_line *line)
{
    if (*line->file)
        fp_text_format(text, "%s:%lu", line->file, line->line);
}
