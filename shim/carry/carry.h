/*
 * The action `carry`: the idle threads of a library go on working in a forked child. How, and what
 * it takes: docs/carry.md.
 *
 * In the parent: prepare -> libc's fork -> parent; within libc's fork, hold when everybody's fork
 * handlers have run, and go_on before they run again. In the child: child, where the table of
 * threads still has the parent's, then start, when everybody's fork handlers have run. All or
 * nothing: what is not surely at rest is not carried, which is said, and acts as `reset`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_CARRY_CARRY_H
#define FP_SHIM_CARRY_CARRY_H

#include "policy/carry.h"
#include "shim/threads/table.h"

/* In the constructor: why no thread can be carried in this process, or NONE. */
enum fp_uncarried fp_carry_init(void);

/* A thread is about to start: where its runtime is to be carried it gets a wait point. */
typedef int fp_thread_create(pthread_t *thread, const pthread_attr_t *attributes,
                             void *(*routine)(void *), void *argument);
void fp_carry_claim(const struct fp_thread_slot *slot, const pthread_attr_t *attributes,
                    fp_thread_create *create);

/* In the new thread, and when it ends. */
void fp_carry_arrive(const struct fp_thread_slot *slot);
void fp_carry_leave(void);

/* In the parent, around the fork. */
void fp_carry_prepare(void);
void fp_carry_hold(void);
void fp_carry_go_on(void); /* from then on fp_carry_has tells who came along, until the next */
void fp_carry_parent(pid_t child);

/* Child room. */
void fp_carry_child(void);
bool fp_carry_any(void);
bool fp_carry_has(uint32_t runtime);
bool fp_carry_start(void); /* false: there was no room for all, and none goes on */

#endif
