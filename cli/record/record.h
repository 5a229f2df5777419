/*
 * A record of a log as a value. Its JSON is read here and nowhere else, by one table (record.def).
 *
 * Total: a member that a record lacks, or has with another type, is "", 0 or false; a number is 0
 * where it is negative, and the largest there is where it is larger. Strings are borrowed from the
 * record's JSON; lists lie in an arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_RECORD_H
#define FP_CLI_RECORD_H

#include "cli/base/arena.h"
#include "policy/hang_event.h"

#include <jansson.h>
#include <stdbool.h>

enum fp_log_event {
#define FP_LOG_EVENT(NAME, name) FP_LOG_##NAME,
#include "cli/record/events.def"
#undef FP_LOG_EVENT
    FP_LOG_OTHER
};

/* The types of members. */
typedef const char *fp_log_TEXT;
typedef bool fp_log_FLAG;           /* true */
typedef bool fp_log_GIVEN;          /* whether there is such a member, of any type */
typedef double fp_log_NUMBER;       /* of any size */
typedef pid_t fp_log_PID;           /* 0: none */
typedef unsigned long fp_log_COUNT; /* INT_MAX at most */
typedef unsigned long fp_log_LARGE; /* LONG_MAX at most */
typedef enum fp_log_event fp_log_EVENT;
typedef enum fp_class fp_log_CLASS;     /* unknown where it has no such name */
typedef enum fp_action fp_log_ACTION;   /* off */
typedef enum fp_action fp_log_ASKED;    /* FP_ACTION_COUNT */
typedef enum fp_grade fp_log_GRADE;     /* none */
typedef enum fp_reason fp_log_REASON;   /* none */
typedef enum fp_cause fp_log_CAUSE;     /* unknown */
typedef enum fp_outcome fp_log_OUTCOME; /* FP_OUTCOME_COUNT */
typedef enum fp_wait fp_log_WAIT;       /* FP_WAIT_COUNT */

/* Of each object: whether the record has it. */
#define FP_MEMBER(TYPE, field, key) fp_log_##TYPE field;

typedef struct fp_log_line {
    bool there;
#define FP_LINE_MEMBER FP_MEMBER
#include "cli/record/record.def"
} fp_log_LINE;

typedef struct fp_log_site {
    bool there;
#define FP_SITE_MEMBER FP_MEMBER
#include "cli/record/record.def"
} fp_log_SITE;

typedef struct fp_log_fork {
    bool there;
#define FP_FORK_MEMBER FP_MEMBER
#include "cli/record/record.def"
} fp_log_FORK;

typedef struct fp_log_waiting {
    bool there;
#define FP_WAIT_MEMBER FP_MEMBER
#include "cli/record/record.def"
} fp_log_WAITING;

struct fp_log_frame {
    bool there;
#define FP_FRAME_MEMBER FP_MEMBER
#include "cli/record/record.def"
};

struct fp_log_holder {
    bool there;
#define FP_HOLDER_MEMBER FP_MEMBER
#include "cli/record/record.def"
};

/* Of each list: whether the record has it, and behind its last element one that is not there. */
#define FP_LIST(type)     \
    struct {              \
        bool there;       \
        size_t count;     \
        const type *list; \
    }

typedef FP_LIST(fp_log_TEXT) fp_log_TEXTS;
typedef FP_LIST(struct fp_log_frame) fp_log_FRAMES;
typedef FP_LIST(struct fp_log_holder) fp_log_HOLDERS;

struct fp_log_runtime {
    bool there;
#define FP_RUNTIME_MEMBER FP_MEMBER
#include "cli/record/record.def"
};

typedef FP_LIST(struct fp_log_runtime) fp_log_RUNTIMES;

struct fp_log_record {
    bool there;
    const char *file; /* borrowed from the reader */
    unsigned long line, column;
    json_t *json; /* borrowed; for who repeats a record as it stands */
#define FP_RECORD_MEMBER FP_MEMBER
#include "cli/record/record.def"
    struct fp_log_fork fork; /* that made the process; of fork and refused: the one it is of */
    struct fp_log_runtime runtime; /* that was lost, used, reset, carried, or had a handler */
};
#undef FP_MEMBER
#undef FP_LIST

/* All but the record's place in a file. */
void fp_log_decode(struct fp_cli_arena *arena, json_t *json, struct fp_log_record *record);

/* The kind of a record, where no more is asked. */
enum fp_log_event fp_log_event_of(const json_t *json);

/* A record that outlives its reading. Zero it before the first use. */
struct fp_log_kept {
    struct fp_log_record record;
    struct fp_cli_arena arena;
};

/* In place of the one that was kept before. */
void fp_log_keep(struct fp_log_kept *kept, const struct fp_log_record *record);
void fp_log_drop(struct fp_log_kept *kept);

/* Whether a runtime was lost that hangs where it is used. */
bool fp_log_loses(const struct fp_log_record *record);

/* The line of a fork or of a wait that its site names best: the user's, else a library's; NULL:
   there is none. */
const struct fp_log_line *fp_log_site_line(const struct fp_log_site *site);

/* Appends "FILE:LINE"; nothing where there is no file. */
void fp_log_add_place(struct fp_text *text, const struct fp_log_line *line);

#endif
