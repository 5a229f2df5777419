/*
 * From facts to a verdict. Pure and total: every snapshot has one, nothing can fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_DECIDE_H
#define FP_POLICY_DECIDE_H

#include "policy/identify.h"
#include "policy/signals.h"

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

/* Whether any entry names a place: what a runtime is asked for then depends on the fork. */
bool fp_policy_has_places(const struct fp_policy *policy);

/* Whether anything can ever be said of threads that no hook saw: they are known by name alone. */
bool fp_policy_tells_strangers(const struct fp_policy *policy);

/* Whether nothing is ever asked for but `off`. */
bool fp_policy_is_off(const struct fp_policy *policy);

#endif
