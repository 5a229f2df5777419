/*
 * Which entry of the table a runtime is, and what the rules ask for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_IDENTIFY_H
#define FP_POLICY_IDENTIFY_H

#include "policy/policy_text.h"

/*
 * Who has a say, in order: what the program itself allows, the allow lines of FORKPOLICY_FILE,
 * FORKPOLICY, the other lines of FORKPOLICY_FILE, then `warn`. A layer answers with its last entry
 * whose pattern and place match, else with its last bare action, else the next layer is asked. The
 * file's runtimes beat the built-in ones.
 */
struct fp_policy {
    const struct fp_rules *environment; /* FORKPOLICY; never NULL */
    const struct fp_policy_text *file;  /* FORKPOLICY_FILE; NULL when not set */
    const struct fp_policy_text *built_in;
};

/* What table and rules say of a runtime at any fork: entries with a place do not count. */
struct fp_identity fp_identify(const struct fp_policy *policy, const struct fp_facts *facts);

/* The same of a library, and what it was built with: "Go", or "" for anything else. */
struct fp_identity fp_identify_built(const struct fp_policy *policy, const struct fp_facts *facts,
                                     const char *built);

/* Asks the rules again, for a fork at `site`, of a runtime that was identified. */
void fp_identify_at(struct fp_identity *identity, const struct fp_policy *policy,
                    const struct fp_facts *facts, const struct fp_site *site);

/* Whether its entry names threads that no child misses. */
bool fp_identity_has_spares(const struct fp_identity *identity);

/* Whether its entry says that no child misses a thread of that name. */
bool fp_identity_spares(const struct fp_identity *identity, const char *thread);

/* Whether its pattern means this runtime, wherever the fork; `name`: in the table, length 0 = none. */
bool fp_rule_names(const struct fp_rule *rule, struct fp_slice name, const struct fp_facts *facts);

#endif
