/*
 * A look at a wait that goes on: gathers the facts, has them judged (policy/hang.h), and does what
 * the policy says about a wait that can never end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_HANG_H
#define FP_SHIM_HANG_HANG_H

#include "shim/hang/wait.h"

/* Between two slices. May end the process. Keeps errno. */
enum fp_advance fp_hang_look(struct fp_waiting *waiting);

/* Whether the wait has lasted so long that a look would tell what is only suspected. */
bool fp_hang_is_late(const struct fp_waiting *waiting);

/* Whether another process may have the memory, too. Keeps errno. */
bool fp_hang_may_be_shared(const void *object);

/* What a signal does to this wait. */
enum fp_break fp_break_of(const struct fp_waiting *waiting);

/* Child room: whoever was looking is gone. */
void fp_hang_child(void);

#endif
