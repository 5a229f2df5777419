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
    bool tells_strangers; /* something may be said of threads that no hook saw */
};

extern struct fp_config fp_config;

/* In the constructor, before there is a second thread: this may call what it likes. */
void fp_config_load(void);

#endif
