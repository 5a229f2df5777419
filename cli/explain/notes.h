/*
 * A record of a log, and notes on what else there is about its process: from two readings of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_NOTES_H
#define FP_CLI_EXPLAIN_NOTES_H

#include "cli/record/log.h"

enum { FP_NOTES_MAX = 12 };

/* A line about something else in the log. */
struct fp_note {
    const char *label;
    char text[400];
};

struct fp_story {
    FILE *stream;         /* where it is said */
    unsigned long wanted; /* the line, or 0 */
    int telling;          /* how much the record says, -1 = none yet */
    struct fp_log_kept chosen;

    /* Of the second reading. */
    struct fp_log_kept fork; /* of this process, by its parent */
    char *program;           /* of the process, or of its parent */
    bool own_program;        /* its own */
    struct fp_note notes[FP_NOTES_MAX];
    size_t note_count;
    unsigned long notes_omitted;
};

/* Cleaned for a terminal, 120 bytes at most. */
struct fp_quoted {
    char text[300];
};

struct fp_quoted fp_story_quoted(const char *string);

/* The first reading: keeps the record that was wanted, or the one that tells most. */
void fp_story_choose(const struct fp_log_record *record, void *story);

/* The second: notes what has to do with it. */
void fp_story_relate(const struct fp_log_record *record, void *story);

void fp_story_free(struct fp_story *story);

#endif
