/*
 * Stacks of lost threads are kept out of use in the child. glibc puts them on its list of free
 * stacks at the fork, and gives them to the child's first threads; but a library that survives the
 * fork may still point to thread-local data there (parking_lot's queue of parked threads, in every
 * lancedb and lance wheel). A stack that is larger than each of them cannot be one of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_STACKS_H
#define FP_SHIM_STACKS_H

#include <pthread.h>

/* In the constructor, where the policy resets. */
void fp_stacks_init(void);

/* In any process: a thread is created with these attributes (NULL: the usual ones). */
void fp_stacks_note(const pthread_attr_t *attributes);

/* In a child: the attributes to create a thread with, `larger` or the ones that were given. */
const pthread_attr_t *fp_stacks_choose(const pthread_attr_t *attributes, pthread_attr_t *larger);

/* Child room: from now on stacks are larger than what was noted so far. */
void fp_stacks_child(void);

#endif
