/*
 * The class line of a runtime: CLASS [when CONDITION {and CONDITION}], where a condition is
 *
 *     version < 0.19                       also <= == >= >; never holds where no version is known
 *     environment NAME=GLOB                NAME is set and its value matches
 *     environment NAME                     NAME is set
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_CLAUSE_H
#define FP_POLICY_CLAUSE_H

#include "policy/model.h"

/* NULL when well formed, else what is wrong; *offset is then the byte to blame. */
const char *fp_clause_check(struct fp_slice clause, size_t *offset);

/* Whether a well-formed clause holds; *class is set either way. */
bool fp_clause_holds(struct fp_slice clause, const char *version, const char *const *environment,
                     enum fp_class *class);

#endif
