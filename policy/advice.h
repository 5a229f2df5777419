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

/* The nth advice of the table about a runtime, a remedy first; length 0 where there is none. */
struct fp_slice fp_runtime_advice(const struct fp_runtime *runtime, size_t nth);

/* What helps whatever the library: another way to start the process. */
const char *fp_advice_start(const struct fp_site *site, enum fp_origin origin);

/*
 * What helps where a process that is started another way is without these threads, too: it imports
 * the module that has their queue, and does not run the code that starts them. Length 0 where they
 * start anew by themselves.
 */
struct fp_slice fp_advice_remedy(const struct fp_runtime *runtime);

/* The first advice about a fork that loses the runtimes meant. */
struct fp_slice fp_advice_fork(const struct fp_snapshot *snapshot, const bool *meant);

/* Appends every value of `word` of the runtimes meant, once, each between `before` and `after`, but
   not the one that was `said` before. */
void fp_advice_values(struct fp_text *text, const struct fp_snapshot *snapshot, const bool *meant,
                      enum fp_word word, struct fp_slice said, const char *before,
                      const char *after);

/* Appends "add off:a,off:b to FORKPOLICY ...": how to accept what cannot be helped. */
void fp_advice_off_entries(struct fp_text *text, const struct fp_snapshot *snapshot,
                           const bool *meant);

#endif
