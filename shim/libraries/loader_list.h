/*
 * The loader's list of libraries has a lock. dl_iterate_phdr holds it while a callback of the
 * host's runs, which may wait for anything; and a fork takes it along, held for ever, where another
 * thread has it. So the shim reads the list only while it has a claim on it: no thread is inside a
 * callback, and no fork that a hook has seen is under way elsewhere.
 *
 * All waiting is bounded, and no lock is kept here that a fork could leave held: what is given up
 * costs a scan, for which the last one stands in. Residual: callbacks that no hook saw (called
 * through dlmopen, RTLD_DEEPBIND), forks by system call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_LIBRARIES_LOADER_LIST_H
#define FP_SHIM_LIBRARIES_LOADER_LIST_H

#include <stdbool.h>
#include <stddef.h>

enum { FP_LIST_PATIENCE = 20000 }; /* microseconds; a scan takes some milliseconds */

/* Before the list is read; waits `patience` microseconds at most. Each claim is released. */
bool fp_list_claim(unsigned patience);
void fp_list_release(void);

/* With a claim: libc's dl_iterate_phdr. */
struct dl_phdr_info;
void fp_list_each(int (*visit)(struct dl_phdr_info *, size_t, void *), void *context);
void fp_list_init(void);

/* Around dl_iterate_phdr itself; and when a thread ends that may have left one by pthread_exit. */
void fp_list_enter(void);
void fp_list_leave(void);
void fp_list_thread_ends(void);

/* Around a fork; in the child fp_list_child does what fp_list_fork_end does in the parent. */
bool fp_list_fork_begin(void);
void fp_list_fork_end(bool begun);
void fp_list_child(void);

/* Around dlclose. The count stays the same while no library goes; `settled` is a number that it
   never has again where one is just going. */
void fp_list_closing(void);
void fp_list_closed(void);
unsigned long fp_list_closes(void);
unsigned long fp_list_closes_settled(void);

#endif
