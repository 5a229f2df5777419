/*
 * Runtimes that registered by forkpolicy.h: their handlers around a fork, whatever the policy.
 * Which of them were prepared is the forking thread's to know.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_REGISTERED_H
#define FP_SHIM_FORK_REGISTERED_H

#include <stdbool.h>
#include <stdint.h>

enum { FP_REGISTERED_MAX = 64 };

struct forkpolicy_runtime;

/* 0, EEXIST, ENOSPC, ENOENT: as forkpolicy_register and forkpolicy_unregister. */
int fp_registered_add(const struct forkpolicy_runtime *runtime);
int fp_registered_remove(const struct forkpolicy_runtime *runtime);

/* Asks every runtime to be quiet, last registered first, once for a fork. False: the policy refuses
   the fork because one is busy; those that were asked have been told. */
bool fp_registered_prepare(void);

/* Each once for a fork, whoever comes first: a hook or an atfork handler. */
void fp_registered_parent(void);
void fp_registered_failed(void);

/* Child room, but for what the runtimes do themselves. */
void fp_registered_child(void);

#endif
