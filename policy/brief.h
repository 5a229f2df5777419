/*
 * Why a job of `run --ci` was ended, or failed, in a few lines: what happened, where, why, and what
 * to change. The rest is in the job's report. Pure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_POLICY_BRIEF_H
#define FP_POLICY_BRIEF_H

#include "policy/crash.h"

enum fp_ending {
#define FP_ENDING(NAME, headline) FP_ENDING_##NAME,
#include "policy/endings.def"
#undef FP_ENDING
};

/* How the job ended. */
struct fp_job_end {
    enum fp_ending ending;
    unsigned number; /* the status, or the seconds after which it was ended */
    unsigned alike;  /* other processes that hung */
};

/* "forkpolicy: job ended: ", which the caller ends with a line. */
void fp_brief_headline(struct fp_text *text, const struct fp_job_end *end);

void fp_brief_hang(struct fp_text *text, const struct fp_job_end *end, const struct fp_hang *hang);

/* A child that lost threads and crashed. */
void fp_brief_crash(struct fp_text *text, const struct fp_job_end *end,
                    const struct fp_crash *crash);

/* A fork that was refused, and the job with it. */
void fp_brief_refusal(struct fp_text *text, const struct fp_job_end *end,
                      const struct fp_snapshot *snapshot, const struct fp_verdict *verdict);

/* A fork that has not returned: a handler for forks of this library holds it up. */
void fp_brief_handler(struct fp_text *text, const struct fp_job_end *end, pid_t pid,
                      const char *library);

#endif
