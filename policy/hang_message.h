/*
 * A hang in words: the report on stderr, and the text of the exception.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_HANG_MESSAGE_H
#define FP_POLICY_HANG_MESSAGE_H

#include "policy/hang_event.h"

/* The report: lines that begin with "forkpolicy:". */
void fp_message_hang(struct fp_text *text, const struct fp_hang *hang);

/* One line, of a hang at a line of which there was a report already. */
void fp_message_hang_again(struct fp_text *text, const struct fp_hang *hang);

/* For ForkPolicyError: one paragraph, without a prefix. */
void fp_message_hang_error(struct fp_text *text, const struct fp_hang *hang);

/* One report for a lost runtime that is called in the child. */
void fp_message_use(struct fp_text *text, pid_t pid, const char *program,
                    const struct fp_runtime *runtime, const char *call,
                    const struct fp_fork_origin *fork);

#endif
