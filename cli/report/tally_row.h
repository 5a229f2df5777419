/*
 * Where a tally keeps what: a site for each place that forks, a row for each runtime there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_REPORT_TALLY_ROW_H
#define FP_CLI_REPORT_TALLY_ROW_H

#include "cli/report/tally.h"

/* The site of a record's "site", made where it is new; `record` says how it was called. NULL, and
   counted, where there is no room for one more. */
struct fp_tally_site *fp_tally_find_site(struct fp_tally *tally, const json_t *json,
                                         const json_t *record);

/* The row of a runtime there; of null: it is not known which. NULL as above, and without a site. */
struct fp_tally_row *fp_tally_find_row(struct fp_tally *tally, struct fp_tally_site *site,
                                       const json_t *json);

/* Something happened of a runtime at a site. */
void fp_tally_find_worse(struct fp_tally_row *row, struct fp_tally_site *site,
                         enum fp_finding found);

/* Whether these words are to be kept: those of the worst that happened, and of it the first. */
bool fp_tally_wants_message(struct fp_tally_row *row, enum fp_finding of);

/* tally_crash.c: a child that crashed; `program` is its parent's. */
void fp_tally_add_crash(struct fp_tally *tally, const json_t *record, const char *program);

uint64_t fp_tally_hash_line(const json_t *line);

/* Copies that live as long as the tally. */
const char *fp_tally_kept(struct fp_tally *tally, const struct fp_text *text);
const char *fp_tally_kept_member(struct fp_tally *tally, const json_t *json, const char *key);

#endif
