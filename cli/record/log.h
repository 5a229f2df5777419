/*
 * Reads a log of the shim's: one JSON object a line, by many processes, maybe of many machines.
 *
 * What cannot be read is said once with its place (FILE:LINE:COLUMN) and left out; the rest counts.
 * A record that stands behind a broken one on the same line (a full disk, a killed copy) is found
 * again. Streams: a log of any size takes the memory of one line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_LOG_H
#define FP_CLI_LOG_H

#include "cli/record/record.h"

#include <stdio.h>

enum {
    FP_LOG_VERSION = 1,
    FP_LOG_LINE_MAX = 1 << 16, /* longer lines are none of the shim's */
    FP_LOG_TOLD_MAX = 5,       /* lines of one file that are named; the others are counted */
};

/* The record and what it holds last as long as the visit: fp_log_keep. */
typedef void fp_log_visit(const struct fp_log_record *record, void *context);

/* What a file held; zero it before the first read. */
struct fp_log_count {
    unsigned long records, bad, foreign; /* foreign: of another version of the format */
    bool silent;                         /* counted only: a second reading of the same file */
};

/*
 * Visits each record of a file ("-": stdin), which must be a regular file, a pipe or a terminal.
 * False, and said, where it cannot be read at all; what is wrong within is said, too.
 */
bool fp_log_read(const char *path, fp_log_visit *visit, void *context, struct fp_log_count *count);

/* The same for one line, without a newline, that is already in memory. */
void fp_log_read_line(const char *file, unsigned long number, const char *line, size_t length,
                      fp_log_visit *visit, void *context, struct fp_log_count *count);

/* Says what of a file was only counted: call once behind its last line. */
void fp_log_say_rest(const char *file, const struct fp_log_count *count);

#endif
