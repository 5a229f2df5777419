/*
 * What speaks for one lost runtime or another as the one that a wait is for: the stacks of this
 * thread, the libraries in which the others wait, who owned the lock, what was called in the child.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_HANG_EVIDENCE_H
#define FP_SHIM_HANG_EVIDENCE_H

#include "common/package.h"
#include "policy/blame.h"
#include "policy/decide.h"
#include "policy/hang_event.h"
#include "shim/hang/other_threads.h"
#include "shim/hang/wait.h"
#include "shim/python/python.h"
#include "shim/threads/runtimes.h"

enum { FP_EVIDENCE_PYTHON = 24, FP_EVIDENCE_NATIVE = 32, FP_EVIDENCE_NAMES = 120 };

/* Some 40 KiB: too large for a host's stack. */
struct fp_evidence {
    struct fp_python_stack lines;
    struct fp_python_frame python[FP_EVIDENCE_PYTHON], joined[FP_EVIDENCE_PYTHON];
    struct fp_native_frame native[FP_EVIDENCE_NATIVE];
    struct fp_lost lost[FP_RUNTIMES_MAX];
    struct fp_judgement judgements[FP_RUNTIMES_MAX];
    uint32_t entries[FP_RUNTIMES_MAX];
    struct fp_package package;
    char names[FP_EVIDENCE_NAMES];
    size_t python_count, joined_count, native_count, lost_count;
    size_t own_count; /* of the Python frames, innermost first: the others are the parent's */
    bool waits_for_old_lock; /* a lock of Python's that is older than this process */
    unsigned long lock_owner; /* of an RLock: threading.get_ident of the thread that holds it; or 0 */
    bool joins_old_queue;    /* queue.Queue.join, of a queue with tasks from before */
    int found;               /* in `lost`: the one that is meant, or -1 */
    enum fp_cause cause;
};

/* Reads the calling thread's Python stack, if it has the GIL; and that of the thread that it joins,
   where all others sleep. */
void fp_evidence_read_python(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                             bool has_gil, bool others_sleep);

/* Reads the native stack, and finds out which runtime is most likely meant. */
void fp_evidence_weigh(struct fp_evidence *evidence, const struct fp_waiting *waiting,
                       const struct fp_company_look *look, bool owner_lost);

/*
 * Whether the wait has to do with what was lost: a library or package that lost threads is on the
 * stack, a lock's owner is lost, a lock of Python's is older than the fork, or a queue is, with
 * tasks that nobody has done.
 */
bool fp_evidence_is_tied(const struct fp_evidence *evidence);

/* Whether Python code may sleep here until its process is ended, as idle workers do, by whatever
   primitive, or a thread may rest meanwhile: nothing ties the wait to what was lost. */
bool fp_evidence_is_parked(const struct fp_evidence *evidence, const struct fp_waiting *waiting,
                           const struct fp_company_look *look);

/* Whether a lost runtime has threads of this child's own: then its code may wait for them, and they
   rest in it, as in any other process. */
bool fp_evidence_is_anew(const struct fp_runtime_entry *lost);

/* Whether an exception would come to code that is the program's or a library's. */
bool fp_evidence_has_reader(const struct fp_evidence *evidence);

/* Whether more than chance speaks for a lost runtime. A program waits for sockets and pipes all day
   (epoll): there it must have called that runtime. */
bool fp_evidence_points_to_lost(const struct fp_evidence *evidence,
                                const struct fp_waiting *waiting);

/* Fills in what is known: stacks, waiting code, lost runtime, cause, fork. */
void fp_evidence_fill(struct fp_evidence *evidence, struct fp_hang *hang,
                      const struct fp_waiting *waiting);

/* What the policy asks for: of the runtime meant, or the most that it asks for any that was lost.
 */
enum fp_action fp_evidence_action(const struct fp_evidence *evidence);

#endif
