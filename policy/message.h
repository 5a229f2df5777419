/*
 * The words: what a tired engineer reads on stderr, and as the text of ForkPolicyError. Every
 * line begins "forkpolicy:".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_MESSAGE_H
#define FP_POLICY_MESSAGE_H

#include "policy/model.h"

/* The block on stderr. `told[i]` marks the runtimes it is about; the others are put in context. */
void fp_message_fork(struct fp_text *text, const struct fp_snapshot *snapshot,
                     const struct fp_verdict *verdict, const bool *told);

/* The text of the exception that a refused fork raises: one line. */
void fp_message_refusal(struct fp_text *text, const struct fp_snapshot *snapshot,
                        const struct fp_verdict *verdict);

#endif
