/*
 * The records themselves, for the formats that draw: so many, and those that matter before the
 * rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_KEEP_H
#define FP_CLI_REPORT_KEEP_H

#include "cli/record/log.h"

enum { FP_KEPT_MAX = 20000 };

struct fp_kept_record {
    json_t *json;
    double time;
    unsigned long order; /* in the logs: of the same time, the first comes first */
};

struct fp_kept {
    struct fp_kept_record records[FP_KEPT_MAX]; /* those that matter; behind them the rest */
    size_t telling, count;
    unsigned long seen, omitted;
};

void fp_keep(struct fp_kept *kept, const struct fp_log_record *record);

/* Oldest first; the caller's to give back. Empties `kept`. */
json_t *fp_kept_sorted(struct fp_kept *kept);

#endif
