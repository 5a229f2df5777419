/*
 * What glibc keeps of a thread, and forgets in a forked child: its descriptor (struct pthread), its
 * place on a list, the number of threads, the arena that it allocates from. Where these are, libc
 * tells debuggers (nptl_db/structs.def), as constants that it exports; the rest is found by trying.
 * Whatever is not as expected: nothing is carried.
 *
 * The child room's part does what libc's own child undid (nptl/nptl-stack.c, __nptl_reclaim...).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_LIBC_H
#define FP_SHIM_CARRY_LIBC_H

#include "policy/carry.h"
#include "shim/carry/point.h"

/* In the constructor, on the main thread: why no thread can be carried in this process, or NONE. */
enum fp_uncarried fp_libc_init(void);

/* Before the first thread that is to be carried: starts and ends a thread, to find its arena. */
bool fp_libc_find_arena(int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
                                      void *));

/* Bytes of a snapshot of this thread, a multiple of 64. */
size_t fp_libc_bytes(const struct fp_point *point);
void fp_libc_save(struct fp_point *point);

/* Child room: the thread is one of libc's again, and has yet to be started. */
void fp_libc_restore(struct fp_point *point);

/* Child room: starts it; false where the kernel has no room. */
bool fp_libc_start(struct fp_point *point);

/* Child room: not all could be started. Waits until this one has ended; libc knows it as dead. */
void fp_libc_abandon(struct fp_point *point);

/* In the new thread: what the kernel keeps of it. */
void fp_libc_thread_begins(struct fp_point *point);

#endif
