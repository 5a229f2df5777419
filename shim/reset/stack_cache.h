/*
 * Stacks of lost threads are kept out of use in the child. glibc puts them on its list of free
 * stacks at the fork, gives them to the child's first threads, and gives back what goes beyond
 * 40 MiB when the next thread ends; but a library that survives the fork may still point to what
 * lies there, or to the thread-local data that libc frees with a stack (parking_lot's queue of
 * parked threads, in every lancedb and lance wheel). So the child forgets the list.
 *
 * Where the list is, libc tells debuggers (nptl_db/structs.def), as constants that it exports. Only
 * that it follows the list of stacks of the caller's own making is known to us alone (glibc 2.34 to
 * 2.42, sysdeps/generic/ldsodefs.h), and checked at the start. Not a list: nothing is done.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_RESET_STACK_CACHE_H
#define FP_SHIM_RESET_STACK_CACHE_H

#include <stdbool.h>

/* In the constructor, where the policy resets; false where the list is not found. */
bool fp_stacks_init(void);

/* Child room: the stacks of lost threads stay as they are. */
void fp_stacks_child(void);

#endif
