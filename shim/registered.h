/*
 * Runtimes that registered by forkpolicy.h: their handlers around a fork, whatever the policy.
 * Which of them were prepared is the forking thread's to know (fp_self.prepared).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_REGISTERED_H
#define FP_SHIM_REGISTERED_H

#include <stdbool.h>
#include <stdint.h>

enum { FP_REGISTERED_MAX = 64 };

/* Asks every runtime to be quiet, last registered first. False: the policy refuses the fork because
   one is busy; those that were asked have been told. */
bool fp_registered_prepare(void);

/* Each once for a fork, whoever comes first: a hook or an atfork handler. */
void fp_registered_parent(void);
void fp_registered_failed(void);

/* Child room, but for what the runtimes do themselves. */
void fp_registered_child(void);

#endif
