/*
 * From facts to a verdict. Pure and total: every snapshot has one, nothing can fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_DECIDE_H
#define FP_POLICY_DECIDE_H

#include "policy/policy_text.h"
#include "policy/signals.h"

/*
 * Who has a say, in order: FORKPOLICY, then FORKPOLICY_FILE, then `warn`. A layer answers with
 * its last matching pattern, else with its last bare action, else the next layer is asked. The
 * file's runtimes beat the built-in ones.
 */
struct fp_policy {
    const struct fp_rules *environment; /* FORKPOLICY; never NULL */
    const struct fp_policy_text *file;  /* FORKPOLICY_FILE; NULL when not set */
    const struct fp_policy_text *built_in;
};

/* What table and rules say of a runtime at any fork. */
struct fp_identity fp_identify(const struct fp_policy *policy, const struct fp_facts *facts);

/* The class that holds now: conditions on the environment may change from fork to fork. */
enum fp_class fp_classify(const struct fp_identity *identity, const char *version,
                          const char *const *environment);

/* What holds for one runtime at one fork. */
struct fp_judgement fp_judge(const struct fp_runtime *runtime, enum fp_origin origin,
                             const char *const *environment);

/* Whether a child that lost this runtime is to be watched: it may hang, and somebody cares. */
bool fp_judgement_watches(const struct fp_judgement *judgement);

void fp_decide(const struct fp_snapshot *snapshot, struct fp_verdict *verdict);

/* What is surely done for `action`: itself, or the next one down that is available. */
enum fp_action fp_action_available(enum fp_action action);

/* Whether any entry can make a fork fail. */
bool fp_policy_can_refuse(const struct fp_policy *policy);

/* Whether any entry can have a runtime reset. */
bool fp_policy_can_reset(const struct fp_policy *policy);

/* By which of its methods multiprocessing is to start processes; NULL: by its own default. */
const char *fp_policy_start_method(const struct fp_policy *policy);

/* Whether anything can ever be said of threads that no hook saw: they are known by name alone. */
bool fp_policy_tells_strangers(const struct fp_policy *policy);

/* Whether nothing is ever asked for but `off`. */
bool fp_policy_is_off(const struct fp_policy *policy);

#endif
