/*
 * Which thread of the parent held a lock at the fork: a lock of Python's that knows its owner names
 * it by threading.get_ident, a pthread mutex by its tid. Of others any thread may have held it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_HOLDERS_H
#define FP_SHIM_HANG_HOLDERS_H

#include "policy/holder.h"

/* `line`: where the lock is waited for; `ident`, `tid`: of its owner, 0 = not known. */
void fp_find_holders(struct fp_holders *holders, const char *line, unsigned long ident, int tid);

#endif
