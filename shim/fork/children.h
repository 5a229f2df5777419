/*
 * The living children of this process that lost threads, and what: for the case that one crashes.
 * As many as there is room for; a newer one takes the place of the oldest.
 *
 * Without locks: a fork, and a wait in a signal handler, may come between any two instructions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FP_SHIM_FORK_CHILDREN_H
#define FP_SHIM_FORK_CHILDREN_H

#include "policy/hang_event.h"

enum { FP_CHILD_RUNTIMES = 4 };

struct fp_child_note {
    struct fp_fork_origin fork; /* as fp_origin_next has it */
    uint64_t sent;              /* the signals that this process sent it */
    size_t count;
    struct {
        uint32_t entry; /* in the registry of runtimes */
        unsigned threads;
    } lost[FP_CHILD_RUNTIMES]; /* those that are known to hang first; none that works in the child
                                */
};

/* In the parent, right after a fork, on the thread that forked; `is_kept` says of a runtime that it
   works in the child. */
void fp_children_note(pid_t child, bool (*is_kept)(uint32_t runtime));

/* Child room: they are not this process's. */
void fp_children_forget(void);

/* Whether there are any; cheap. */
bool fp_children_any(void);
bool fp_children_has(pid_t child);

/* This process is about to send them a signal: one of them, or any (0). */
void fp_children_sent(pid_t child, int signal);

/* Takes the note of a child out; false where there is none, or another thread has it. */
bool fp_children_take(pid_t child, struct fp_child_note *note);

#endif
