/* See member.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/record/member.h"

#include "cli/record/record.h"

#include <limits.h>
#include <string.h>

static const char *string_of(const json_t *json)
{
    const char *string = json_string_value(json);
    return string ? string : "";
}

static unsigned long number_of(const json_t *json, unsigned long most)
{
    double number = json_number_value(json);
    if (!(number > 0))
        return 0;
    return number < (double)most ? (unsigned long)number : most;
}

#define TAKE(TYPE, value)                                                                \
    void fp_log_take_##TYPE(struct fp_cli_arena *arena, const json_t *json, void *field) \
    {                                                                                    \
        (void)arena;                                                                     \
        *(fp_log_##TYPE *)field = value;                                                 \
    }

TAKE(TEXT, string_of(json))
TAKE(FLAG, json_is_true(json))
TAKE(GIVEN, json != NULL)
TAKE(NUMBER, json_number_value(json))
TAKE(PID, (pid_t)number_of(json, INT_MAX))
TAKE(COUNT, number_of(json, INT_MAX))
TAKE(LARGE, number_of(json, LONG_MAX))

/* The index of a name in a table; `otherwise` where it is none. */
static unsigned index_of(const json_t *json, const char *const *names, size_t count,
                         unsigned otherwise)
{
    const char *name = string_of(json);
    for (unsigned i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return otherwise;
}

#define TAKE_NAMED(TYPE, otherwise) \
    TAKE(TYPE, (fp_log_##TYPE)index_of(json, TYPE, sizeof TYPE / sizeof *TYPE, otherwise))

static const char *const EVENT[] = {
#define FP_LOG_EVENT(NAME, name) name,
#include "cli/record/events.def"
#undef FP_LOG_EVENT
};
TAKE_NAMED(EVENT, FP_LOG_OTHER)

static const char *const CLASS[] = {
#define FP_CLASS(NAME, name, help, message) name,
#include "policy/classes.def"
#undef FP_CLASS
};
TAKE_NAMED(CLASS, FP_CLASS_UNKNOWN)

static const char *const ACTION[] = {
#define FP_ACTION(NAME, name, available, help) name,
#include "policy/actions.def"
#undef FP_ACTION
};
TAKE_NAMED(ACTION, FP_ACTION_OFF)
TAKE(ASKED, (fp_log_ASKED)index_of(json, ACTION, FP_ACTION_COUNT, FP_ACTION_COUNT))

static const char *const GRADE[] = {
#define FP_GRADE(NAME, name, headline, unknown) name,
#include "policy/grades.def"
#undef FP_GRADE
};
TAKE_NAMED(GRADE, FP_GRADE_NONE)

static const char *const REASON[] = {
#define FP_REASON(NAME, name, why) name,
#include "policy/reasons.def"
#undef FP_REASON
};
TAKE_NAMED(REASON, FP_REASON_NONE)

static const char *const CAUSE[] = {
#define FP_CAUSE(NAME, name, how) name,
#include "policy/causes.def"
#undef FP_CAUSE
};
TAKE_NAMED(CAUSE, FP_CAUSE_UNKNOWN)

static const char *const OUTCOME[] = {
#define FP_OUTCOME(NAME, name, now, later, counted) name,
#include "policy/outcomes.def"
};
TAKE_NAMED(OUTCOME, FP_OUTCOME_COUNT)

static const char *const WAIT[] = {
#define FP_WAIT(NAME, name) name,
#include "policy/waits.def"
#undef FP_WAIT
};
TAKE_NAMED(WAIT, FP_WAIT_COUNT)

void fp_log_take_TEXTS(struct fp_cli_arena *arena, const json_t *json, void *field)
{
    size_t count = json_array_size(json);
    const char **list = fp_cli_arena_take(arena, (count + 1) * sizeof *list);
    for (size_t i = 0; i <= count; i++)
        list[i] = string_of(json_array_get(json, i));
    *(fp_log_TEXTS *)field = (fp_log_TEXTS){json_is_array(json), count, list};
}
