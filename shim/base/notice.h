/*
 * The notice: what is wrong with the settings, said once a job. The first process that forks or
 * starts a second thread says it; the processes that it starts do not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_NOTICE_H
#define FP_SHIM_BASE_NOTICE_H

#include "policy/text.h"

/* The text, to be filled with whole lines while the settings are read. */
struct fp_text *fp_notice_text(void);

/* The text is complete: settles which process of the job says it. */
void fp_notice_claim(void);

/* Says it, if it is this process's to say and it was not said. Cheap when there is nothing. */
void fp_notice_say(void);

#endif
