/*
 * The parts that records are made of (event.c, hang_event.c): JSON members, each with a comma
 * before it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_RECORD_H
#define FP_POLICY_RECORD_H

#include "policy/event.h"

/* Kept free behind the last member for what closes the record. */
enum { FP_RECORD_TAIL = 48 };

/* Begins the record; add_end closes it. */
void fp_record_header(struct fp_text *text, const struct fp_event_header *header);
void fp_record_end(struct fp_text *text);

void fp_record_string(struct fp_text *text, const char *key, struct fp_slice value);

/* null for "". */
void fp_record_optional(struct fp_text *text, const char *key, struct fp_slice value);

/*
 * The last string of a record, shortened until the record can be closed behind it: a tool must be
 * able to read every line.
 */
void fp_record_last_string(struct fp_text *text, const char *key, struct fp_slice value);

/* Host and rank come from outside too, and everything else must fit behind them. */
struct fp_slice fp_record_shortened(const char *string, size_t most);

/* "file:line" as an object of two fields, so that a reader need not split paths with colons. */
void fp_record_line(struct fp_text *text, const char *line);

/* The member "site". */
void fp_record_site(struct fp_text *text, const struct fp_site *site);

/* The members "advice" and "source". */
void fp_record_advice(struct fp_text *text, const struct fp_identity *identity);

/* One runtime: a JSON object, without a key. */
void fp_record_runtime(struct fp_text *text, const struct fp_runtime *runtime,
                       const struct fp_judgement *judgement);

/* The same in `most` bytes: with its advice, or else with what names it. */
void fp_record_runtime_within(struct fp_text *text, const struct fp_runtime *runtime,
                              const struct fp_judgement *judgement, size_t most);

#endif
