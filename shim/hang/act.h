/*
 * What is done about a wait that does not end, once the evidence is weighed: said, raised in
 * Python, or the process ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_ACT_H
#define FP_SHIM_HANG_ACT_H

#include "policy/hang.h"
#include "shim/hang/evidence.h"
#include "shim/hang/other_threads.h"
#include "shim/hang/wait.h"

/* Does not return where the process is to end. */
enum fp_advance fp_act_on_proof(struct fp_waiting *waiting, const struct fp_company_look *look,
                                struct fp_evidence *evidence, struct fp_opinion opinion,
                                bool interruptible);

/* Says it, once for a wait. */
void fp_act_on_doubt(struct fp_waiting *waiting, const struct fp_company_look *look,
                     struct fp_evidence *evidence, struct fp_opinion opinion, bool interruptible);

#endif
