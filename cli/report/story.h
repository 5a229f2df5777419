/*
 * The words that the formats share: what became of a runtime at a fork site, and the sums.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_STORY_H
#define FP_CLI_REPORT_STORY_H

#include "cli/report/tally.h"

/* How loud a finding is in CI. */
enum fp_weight {
    FP_WEIGHT_ERROR,   /* hung, or most likely did; or its fork was refused */
    FP_WEIGHT_WARNING, /* may hang */
    FP_WEIGHT_NONE,
};

enum fp_weight fp_story_weight(const struct fp_tally_row *row);

/* "hung", "lost", "fine": the first column. */
const char *fp_story_word(const struct fp_tally_row *row);

/* "4 tokio threads" */
void fp_story_threads(struct fp_text *text, const struct fp_tally_row *row);

/* "hung 3 times, proven: 2 ended with status 70, 1 got an error" */
void fp_story_what(struct fp_text *text, const struct fp_tally_row *row);

/* "waits at /home/me/train.py:11 in read: syscall(futex), 3 times" */
void fp_story_wait(struct fp_text *text, const struct fp_tally_wait *wait);

/* "deltalake 0.18.2 hung 3 times, ..." */
void fp_story_title(struct fp_text *text, const struct fp_tally_row *row);

/* All that is known of a row, a line each, without the title. */
void fp_story_lines(struct fp_text *text, const struct fp_tally_row *row);

/* "1 log, 34 records of 12 processes on 2 hosts, 4 ranks, ..." */
void fp_story_sources(struct fp_text *text, const struct fp_tally *tally, size_t logs);

/* "24 forks at 3 places: 2 hangs proven, ...", or the honest line where there is nothing. */
void fp_story_sum(struct fp_text *text, const struct fp_tally *tally);

/* A path as CI wants it: below the folder that the variable names, where it lies there. */
const char *fp_story_relative(const char *path, const char *variable);

#define FP_EACH_ROW(tally, site, row)                                               \
    for (struct fp_tally_site *site = (tally)->sites; site; site = (site)->hh.next) \
        for (struct fp_tally_row *row = (site)->rows; row; row = (row)->hh.next)

#endif
