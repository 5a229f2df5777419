/*
 * The handlers of registered runtimes around a fork, whatever the policy. Which of them were
 * prepared is the forking thread's to know.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_REGISTERED_H
#define FP_SHIM_FORK_REGISTERED_H

#include <stdbool.h>

/* Asks every runtime to be quiet, last registered first, once for a fork. False: the policy refuses
   the fork because one is busy; those that were asked have been told. Otherwise one of the next two
   is to follow in the parent. */
bool fp_registered_prepare(void);

/* Each once for a fork: by whoever asked first, a hook or an atfork handler. */
void fp_registered_parent(void);
void fp_registered_failed(void);

/* Child room, but for what the runtimes do themselves. */
void fp_registered_child(void);

#endif
