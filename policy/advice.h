/*
 * What a user can do about a fork: start the process another way, what the table advises, or an
 * entry that accepts it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_ADVICE_H
#define FP_POLICY_ADVICE_H

#include "policy/policy_text.h"

/* The nth value of `word` in what is known of a runtime; length 0 when there is none. */
struct fp_slice fp_runtime_value(const struct fp_runtime *runtime, enum fp_word word, size_t nth);

/* The shortest name that a FORKPOLICY entry for this runtime can use. */
struct fp_slice fp_runtime_entry_name(const struct fp_runtime *runtime);

/* What helps whatever the library: another way to start the process. */
const char *fp_advice_start(const struct fp_site *site, enum fp_origin origin);

/* Appends every value of `word` of the runtimes meant, once, each between `before` and `after`. */
void fp_advice_values(struct fp_text *text, const struct fp_snapshot *snapshot, const bool *meant,
                      enum fp_word word, const char *before, const char *after);

/* Appends "add off:a,off:b to FORKPOLICY ...": how to accept what cannot be helped. */
void fp_advice_off_entries(struct fp_text *text, const struct fp_snapshot *snapshot,
                           const bool *meant);

#endif
