/*
 * What the kernel and the stacks show of one wait: the facts of policy/hang.h that need no knowledge
 * of what was lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_CLI_EXPLAIN_FACTS_H
#define FP_CLI_EXPLAIN_FACTS_H

#include "cli/explain/stacks.h"
#include "policy/hang.h"

/* False where the task is in no wait that could be hopeless. */
bool fp_facts_read(struct fp_wait_facts *facts, const struct fp_view *view,
                   const struct fp_task *task, const struct fp_stack *stack, bool has_python);

/* Asleep until another thread of its own process wakes it. */
bool fp_task_sleeps_for_ever(const struct fp_view *view, const struct fp_task *task);

/* What a signal could do to the process: NONE, INTERRUPT or HANDLER. */
enum fp_waker fp_facts_waker(const struct fp_view *view);

/* Whether it has a handler of a signal that does not just ask for its end. */
bool fp_facts_has_handler(const struct fp_view *view);

/* Whether the main thread may rest there until the process is killed. */
bool fp_facts_parked(const struct fp_view *view, const struct fp_stack *stack, bool has_python);

/* The owner of the mutex that a task waits for, by the number its own process has for it. */
pid_t fp_facts_owner(const struct fp_view *view, const struct fp_task *task);

bool fp_facts_owner_lost(const struct fp_view *view, const struct fp_task *task,
                         const struct fp_view *parent);

#endif
