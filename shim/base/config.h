/*
 * What the environment asks for, read once when the shim starts: FORKPOLICY, FORKPOLICY_FILE,
 * FORKPOLICY_LOG and FORKPOLICY_OPTIONS. What is wrong with them goes into the notice; what is good
 * holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_BASE_CONFIG_H
#define FP_SHIM_BASE_CONFIG_H

#include "policy/decide.h"
#include "policy/options.h"

struct fp_config {
    struct fp_policy policy;
    struct fp_options options;
    bool can_reset;       /* some entry asks for it */
    bool carries;         /* some entry asks for it, and it can be done here */
    bool has_places;      /* some entry names a place */
    bool tells_strangers; /* something may be said of threads that no hook saw */
};

extern struct fp_config fp_config;

/* Why something cannot be done in this process, or NULL; asked only where the policy wants it. */
typedef const char *fp_why_not(void);

/* In the constructor, before there is a second thread: this may call what it likes. */
void fp_config_load(fp_why_not *why_not_carry);

#endif
