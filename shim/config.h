/*
 * What the environment asks for, read once when the shim starts: FORKPOLICY, FORKPOLICY_FILE and
 * FORKPOLICY_LOG. What is wrong with them is kept as a notice and said once a job: by the first
 * process that forks or starts a second thread, not by the processes that it starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CONFIG_H
#define FP_SHIM_CONFIG_H

#include "policy/decide.h"

struct fp_config {
    struct fp_policy policy;
    const char *log;      /* path pattern, NULL = none */
    bool tells_strangers; /* something may be said of threads that no hook saw */
};

extern struct fp_config fp_config;

/* In the constructor, before there is a second thread: this may call what it likes. */
void fp_config_load(void);

/* Says the notice if there is one and it is this process that says it. */
void fp_config_say_notice(void);

/* The notice's text, also where another process says it; "" = nothing is wrong. */
const char *fp_config_notice(void);

#endif
