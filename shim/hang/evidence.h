/*
 * What speaks for one lost runtime or another as the one that a wait is for: the stacks of this
 * thread, the libraries in which the others wait, who owned the lock, what was called in the child.
 * Static: by one thread at a time, read_python before weigh.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_EVIDENCE_H
#define FP_SHIM_HANG_EVIDENCE_H

#include "policy/hang_event.h"
#include "shim/hang/other_threads.h"
#include "shim/hang/wait.h"

/* Reads the calling thread's Python stack, if it has the GIL; and that of the thread that it joins,
   where all others sleep. */
void fp_evidence_read_python(bool has_gil, bool others_sleep);

/* Whether the program's own code sleeps until it is killed: threading.Event().wait(). */
bool fp_evidence_is_parked(void);

/* Whether an exception would come to code that is the program's or a library's. */
bool fp_evidence_has_reader(void);

/* Reads the native stack, and finds out which runtime is most likely meant. */
void fp_evidence_weigh(const struct fp_waiting *waiting, const struct fp_company_look *look,
                       bool owner_lost);

/* Whether more than chance speaks for a lost runtime. A program waits for sockets and pipes all day
   (epoll): there it must have called that runtime. */
bool fp_evidence_points_to_lost(enum fp_wait wait);

/* Fills in what is known: stacks, waiting code, lost runtime, cause, fork. */
void fp_evidence_fill(struct fp_hang *hang, const struct fp_waiting *waiting);

/* What the policy asks for: of the runtime meant, or the most that it asks for any that was lost.
 */
enum fp_action fp_evidence_action(void);

#endif
