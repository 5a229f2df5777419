/*
 * Where a tally keeps what: a site for each place that forks, a row for each runtime there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_TALLY_ROW_H
#define FP_CLI_REPORT_TALLY_ROW_H

#include "cli/report/tally.h"

/* The site of a fork, made where it is new. NULL, and counted, where there is no room for one more.
 */
struct fp_tally_site *fp_tally_find_site(struct fp_tally *tally, const struct fp_log_fork *fork);

/* The row of a runtime there, or of one that is not known. NULL as above, and without a site. */
struct fp_tally_row *fp_tally_find_row(struct fp_tally *tally, struct fp_tally_site *site,
                                       const struct fp_log_runtime *told);

/* Something happened of a runtime at a site. */
void fp_tally_find_worse(struct fp_tally_row *row, struct fp_tally_site *site,
                         enum fp_finding found);

/* Whether these words are to be kept: those of the worst that happened, and of it the first. */
bool fp_tally_wants_message(struct fp_tally_row *row, enum fp_finding of);

/* tally_crash.c: a child that crashed; `program` is its parent's. */
void fp_tally_add_crash(struct fp_tally *tally, const struct fp_log_record *record,
                        const char *program);

uint64_t fp_tally_hash_line(const struct fp_log_line *line);

/* A copy that lives as long as the tally. */
const char *fp_tally_kept(struct fp_tally *tally, const char *string);

#endif
